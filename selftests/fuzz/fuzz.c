// SPDX-License-Identifier: GPL-2.0
/*
 * toyvpnctl as a function, closed off, mostly by the linker's --wrap: the kernel module is a model
 * in memory, there is one file, stdin and stdout are memory, and no name server is asked. All else
 * of the machine is in machine.c.
 */
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "../../tools/apply.h"
#include "../../tools/commands.h"
#include "../../tools/fetch.h"
#include "../../tools/genl.h"
#include "../../tools/report.h"
#include "fuzz.h"
#include "wrap.h"

/* The most words of a command line */
#define WORDS_MAX	40

struct device fuzz_kernel;

static struct text file;
static struct text out, err;
static bool changed;

/**
 * text_add() - append bytes to a text
 * @text: the text
 * @data: the bytes
 * @len: how many
 */
void text_add(struct text *text, const void *data, size_t len)
{
	text->data = xrealloc(text->data, text->len + len + 1, 1);
	if (len)
		memcpy(text->data + text->len, data, len);
	text->len += len;
	text->data[text->len] = '\0';
}

/**
 * text_free() - make a text empty
 * @text: the text
 */
void text_free(struct text *text)
{
	free(text->data);
	*text = (struct text){ 0 };
}

/**
 * fuzz_broken() - say what does not hold, and end
 * @in: which file
 * @line: which line of it
 * @what: the condition
 */
void fuzz_broken(const char *in, int line, const char *what)
{
	dprintf(2, "selftests/fuzz/%s:%d: this does not hold: %s\n", in, line, what);
	dprintf(2, "--- stdout\n%s--- stderr\n%s---\n", out.data ? out.data : "",
		err.data ? err.data : "");
	abort();
}

/*
 * Files
 */

struct reading {
	size_t at;
};

static ssize_t read_file(void *cookie, char *to, size_t size)
{
	struct reading *reading = cookie;
	size_t n = file.len - reading->at;

	if (n > size)
		n = size;
	if (n)
		memcpy(to, file.data + reading->at, n);
	reading->at += n;
	return (ssize_t)n;
}

static int close_file(void *cookie)
{
	free(cookie);
	return 0;
}

static ssize_t write_text(void *cookie, const char *from, size_t size)
{
	text_add(cookie, from, size);
	return (ssize_t)size;
}

static FILE *open_file(void)
{
	const cookie_io_functions_t functions = { .read = read_file, .close = close_file };

	return fopencookie(xzalloc(sizeof(struct reading)), "r", functions);
}

static FILE *open_text(struct text *text)
{
	const cookie_io_functions_t functions = { .write = write_text };

	return fopencookie(text, "w", functions);
}

/**
 * fuzz_file() - set what the only file, and stdin, hold
 * @data: the bytes
 * @len: how many
 */
void fuzz_file(const void *data, size_t len)
{
	text_free(&file);
	text_add(&file, data, len);
}

/**
 * fuzz_fopen() - the tool's fopen()
 * @path: as there
 * @mode: as there; the only file is for reading
 *
 * Return: as there.
 */
FILE *fuzz_fopen(const char *path, const char *mode)
{
	if (!strcmp(path, FUZZ_FILE) || !strcmp(path, FUZZ_CONF) ||
	    !strncmp(path, "/proc/net/", 10))
		return open_file();
	if (fuzz_machine_has(path))
		return fopen(path, mode);
	errno = ENOENT;
	return NULL;
}

/**
 * fuzz_mute() - have what the tool's functions say go nowhere, or to stderr again
 * @mute: whether
 */
void fuzz_mute(bool mute)
{
	static FILE *usual, *nowhere;

	if (!nowhere) {
		usual = stderr;
		nowhere = fopen("/dev/null", "we");
		must(nowhere);
	}
	stderr = mute ? nowhere : usual;
}

/*
 * Names: numeric addresses are read by the library, all else is one address or unknown.
 */
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **found)
{
	struct addrinfo numeric = *hints;
	int error;

	numeric.ai_flags |= AI_NUMERICHOST;
	error = __real_getaddrinfo(host, service, &numeric, found);
	if (error != EAI_NONAME || *host < 'a' || *host > 'z')
		return error;
	if (*host == 'z')
		return EAI_AGAIN;
	return __real_getaddrinfo("192.0.2.1", service, &numeric, found);
}

/*
 * The kernel
 */

struct genl *__wrap_genl_open(void)
{
	return xzalloc(sizeof(struct genl));
}

void __wrap_genl_close(struct genl *genl)
{
	free(genl);
}

static void copy_settings(struct device *to, const struct device *from)
{
	*to = *from;
	to->peers = NULL;
	to->blocks = NULL;
	to->n_peers = 0;
}

static void copy_blob(struct blob *to, const struct blob *from)
{
	*to = (struct blob){ 0 };
	blob_set(to, from->bytes, from->len);
}

static void copy_peers(struct device *to, const struct device *from)
{
	size_t i, j;

	for (i = 0; i < from->n_peers; i++) {
		struct peer *peer = device_add_peer(to);

		*peer = *from->peers[i];
		peer->ips = NULL;
		peer->n_ips = 0;
		copy_blob(&peer->config, &from->peers[i]->config);
		copy_blob(&peer->received_config, &from->peers[i]->received_config);
		for (j = 0; j < from->peers[i]->n_ips; j++)
			*peer_add_ip(peer) = from->peers[i]->ips[j];
	}
}

/**
 * fuzz_device_clear() - make a device of the kernel's new
 * @dev: the device
 */
void fuzz_device_clear(struct device *dev)
{
	device_clear(dev);
	snprintf(dev->ifname, sizeof(dev->ifname), "%s", FUZZ_IFNAME);
}

/**
 * fuzz_device_copy() - copy a device of the kernel's with its peers
 * @to: where to; empty
 * @from: the device
 */
void fuzz_device_copy(struct device *to, const struct device *from)
{
	copy_settings(to, from);
	copy_peers(to, from);
}

static bool peers_equal(const struct peer *one, const struct peer *other)
{
	size_t i;

	if (memcmp(one->public_key, other->public_key, TOYVPN_KEY_LEN) ||
	    memcmp(one->preshared_key, other->preshared_key, TOYVPN_KEY_LEN) ||
	    one->has != other->has || one->keepalive != other->keepalive ||
	    one->n_ips != other->n_ips || !endpoint_equal(&one->endpoint, &other->endpoint))
		return false;
	for (i = 0; i < one->n_ips; i++)
		if (allowed_ip_compare(&one->ips[i], &other->ips[i]))
			return false;
	return true;
}

/**
 * fuzz_device_equal() - compare two devices of the kernel's
 * @one: one
 * @other: another
 *
 * Return: whether they are set up the same, with peers in the same order.
 */
bool fuzz_device_equal(const struct device *one, const struct device *other)
{
	size_t i;

	if (one->has != other->has || one->listen_port != other->listen_port ||
	    one->fwmark != other->fwmark || one->n_ciphers != other->n_ciphers ||
	    memcmp(one->ciphers, other->ciphers, one->n_ciphers) ||
	    memcmp(one->private_key, other->private_key, TOYVPN_KEY_LEN) ||
	    memcmp(one->public_key, other->public_key, TOYVPN_KEY_LEN) ||
	    one->n_peers != other->n_peers)
		return false;
	for (i = 0; i < one->n_peers; i++)
		if (!peers_equal(one->peers[i], other->peers[i]))
			return false;
	return true;
}

bool __wrap_fetch_device(struct genl *genl, const char *ifname, struct device *dev)
{
	(void)genl;
	if (strcmp(ifname, FUZZ_IFNAME))
		return fail("%s: no such network interface", ifname);
	copy_settings(dev, &fuzz_kernel);
	return true;
}

bool __wrap_fetch_peers(struct genl *genl, struct device *dev)
{
	(void)genl;
	copy_peers(dev, &fuzz_kernel);
	return true;
}

bool __wrap_fetch_all_devices(struct genl *genl, struct device **devs, size_t *n)
{
	*devs = xzalloc(sizeof(**devs));
	*n = 1;
	return __wrap_fetch_device(genl, FUZZ_IFNAME, *devs);
}

static struct peer *find_peer(const uint8_t *key)
{
	size_t i;

	for (i = 0; i < fuzz_kernel.n_peers; i++)
		if (!memcmp(fuzz_kernel.peers[i]->public_key, key, TOYVPN_KEY_LEN))
			return fuzz_kernel.peers[i];
	return NULL;
}

/* An allowed IP has one peer, or none. */
static void take_ip(const struct allowed_ip *ip, const struct peer *from)
{
	size_t i, j;

	for (i = 0; i < fuzz_kernel.n_peers; i++) {
		struct peer *peer = fuzz_kernel.peers[i];

		if (from && peer != from)
			continue;
		for (j = 0; j < peer->n_ips; j++)
			if (!allowed_ip_compare(&peer->ips[j], ip))
				break;
		if (j == peer->n_ips)
			continue;
		peer->n_ips--;
		memmove(&peer->ips[j], &peer->ips[j + 1], (peer->n_ips - j) * sizeof(*ip));
	}
}

static void free_ips(struct peer *peer)
{
	free(peer->ips);
	peer->ips = NULL;
	peer->n_ips = 0;
}

static void set_ips(struct peer *peer, const struct peer *want)
{
	size_t i;

	if (want->has & (PEER_REPLACE | PEER_ALLOWED_IPS))
		free_ips(peer);
	for (i = 0; i < want->n_ips; i++) {
		struct allowed_ip ip = want->ips[i];

		must(ip.family == AF_INET ? ip.prefix_len <= 32 :
		     ip.family == AF_INET6 && ip.prefix_len <= 128);
		take_ip(&ip, ip.remove ? peer : NULL);
		if (!ip.remove)
			*peer_add_ip(peer) = ip;
	}
}

static void set_peer(const struct peer *want)
{
	struct peer *peer = find_peer(want->public_key);

	must(want->has & PEER_PUBLIC_KEY);
	if (!peer) {
		peer = device_add_peer(&fuzz_kernel);
		memcpy(peer->public_key, want->public_key, TOYVPN_KEY_LEN);
		peer->has = PEER_PUBLIC_KEY | PEER_SECRETS;
	}
	if (want->has & PEER_REPLACE) {
		memset(peer->preshared_key, 0, TOYVPN_KEY_LEN);
		peer->has &= ~PEER_PRESHARED_KEY;
		peer->keepalive = 0;
	}
	if (want->has & PEER_PRESHARED_KEY) {
		memcpy(peer->preshared_key, want->preshared_key, TOYVPN_KEY_LEN);
		peer->has &= ~PEER_PRESHARED_KEY;
		if (!key_is_zero(peer->preshared_key))
			peer->has |= PEER_PRESHARED_KEY;
	}
	if (want->has & PEER_ENDPOINT) {
		must(want->endpoint.any.sa_family && want->endpoint.v4.sin_port);
		peer->endpoint = want->endpoint;
		peer->has |= PEER_ENDPOINT;
	}
	if (want->has & PEER_KEEPALIVE)
		peer->keepalive = want->keepalive;
	set_ips(peer, want);
}

static void set_device(const struct device *want)
{
	static const uint8_t usual[] = {
		TOYVPN_CIPHER_AES_256_GCM, TOYVPN_CIPHER_CHACHA20_POLY1305,
	};
	size_t i;

	if (want->has & DEVICE_PRIVATE_KEY) {
		memcpy(fuzz_kernel.private_key, want->private_key, TOYVPN_KEY_LEN);
		memset(fuzz_kernel.public_key, 0, TOYVPN_KEY_LEN);
		fuzz_kernel.has &= ~(DEVICE_PRIVATE_KEY | DEVICE_PUBLIC_KEY);
		if (key_to_public(fuzz_kernel.public_key, want->private_key))
			fuzz_kernel.has |= DEVICE_PRIVATE_KEY | DEVICE_PUBLIC_KEY;
	}
	if (want->has & DEVICE_LISTEN_PORT)
		fuzz_kernel.listen_port = want->listen_port;
	if (want->has & DEVICE_FWMARK)
		fuzz_kernel.fwmark = want->fwmark;
	if (want->has & DEVICE_CIPHERS) {
		must(want->n_ciphers <= TOYVPN_CIPHERS_MAX);
		for (i = 0; i < want->n_ciphers; i++)
			must(!memchr(want->ciphers, want->ciphers[i], i));
		memcpy(fuzz_kernel.ciphers, want->ciphers, want->n_ciphers);
		fuzz_kernel.n_ciphers = want->n_ciphers;
	}
	if (!fuzz_kernel.n_ciphers) {
		memcpy(fuzz_kernel.ciphers, usual, sizeof(usual));
		fuzz_kernel.n_ciphers = sizeof(usual);
	}
}

bool __wrap_apply(struct genl *genl, const struct device *now, const struct device *want)
{
	size_t i;

	(void)genl;
	must(!strcmp(now->ifname, FUZZ_IFNAME));
	/* Where no cipher is named, the module's own list is set again: nothing changes. */
	if (want->has & ~(want->n_ciphers ? 0U : (unsigned int)DEVICE_CIPHERS))
		changed = true;
	set_device(want);
	for (i = 0; i < want->n_peers; i++) {
		const struct peer *peer = want->peers[i];

		if (peer->has & PEER_UNCHANGED)
			continue;
		changed = true;
		if (peer->has & PEER_REMOVE)
			device_drop_peer(&fuzz_kernel, peer->public_key);
		else
			set_peer(peer);
	}
	return true;
}

/*
 * The tool
 */

/* All lines are the tool's. Returns how many are no warnings. */
static unsigned int count_errors(const struct text *text)
{
	static const char name[] = "toyvpnctl: ", warning[] = "toyvpnctl: warning: ";
	const char *line = text->data ? text->data : "";
	unsigned int errors = 0;

	while (*line) {
		const char *end = strchr(line, '\n');

		must(end && !strncmp(line, name, strlen(name)));
		if (strncmp(line, warning, strlen(warning)))
			errors++;
		line = end + 1;
	}
	return errors;
}

/* What a server tells of its clients is no error. */
void __wrap_note(const char *fmt, ...)
{
	(void)fmt;
}

/**
 * fuzz_run() - run the tool
 * @words: what follows its name, NULL at the end
 *
 * Return: what it came to, the caller's to free.
 */
struct outcome fuzz_run(const char * const words[])
{
	FILE *usual_in = stdin, *usual_out = stdout, *usual_err = stderr;
	char *argv[WORDS_MAX + 2] = { "toyvpnctl" };
	struct outcome outcome;
	int argc;

	/* A list is cut up where it stands, so these are copies. */
	for (argc = 1; argc <= WORDS_MAX && words[argc - 1]; argc++)
		argv[argc] = xstrndup(words[argc - 1], strlen(words[argc - 1]));
	changed = false;
	exit_status = EXIT_SUCCESS;
	stdin = open_file();
	stdout = open_text(&out);
	stderr = open_text(&err);
	/* "status" has others, which say how it stands. */
	outcome.good = toyvpnctl_main(argc, argv) != EXIT_FAILURE;
	while (--argc)
		free(argv[argc]);
	fclose(stdin);
	fclose(stdout);
	fclose(stderr);
	stdin = usual_in;
	stdout = usual_out;
	stderr = usual_err;
	outcome.errors = count_errors(&err);
	must(outcome.good || outcome.errors);
	outcome.changed = changed;
	outcome.out = out;
	outcome.err = err;
	out = (struct text){ 0 };
	err = (struct text){ 0 };
	return outcome;
}

/**
 * outcome_check() - what holds for commands that are done as a whole or not at all
 * @outcome: what one came to
 */
void outcome_check(const struct outcome *outcome)
{
	must(outcome->errors == (outcome->good ? 0 : 1));
	must(outcome->good || !outcome->changed);
}

/**
 * outcome_free() - free what fuzz_run() returned
 * @outcome: that
 */
void outcome_free(struct outcome *outcome)
{
	text_free(&outcome->out);
	text_free(&outcome->err);
}

/**
 * LLVMFuzzerInitialize() - called once by libFuzzer
 * @argc: number of its words
 * @argv: its words
 *
 * Return: 0.
 */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("TOYVPN_ENDPOINT_RESOLUTION_RETRIES", "0", 1);
	setenv("TOYVPN_COLOR_MODE", "never", 1);
	fuzz_device_clear(&fuzz_kernel);
	fuzz_machine_open();
	return sodium_init() < 0;
}
