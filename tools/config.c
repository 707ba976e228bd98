// SPDX-License-Identifier: GPL-2.0
#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sodium.h>

#include "config.h"
#include "device.h"
#include "encoding.h"
#include "names.h"
#include "nearest.h"
#include "report.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Values. Each reads a text without white space around it; where it is wrong, the user is told and
 * the result is false.
 */

static bool is_off(const char *text)
{
	return !strcasecmp(text, "off");
}

/**
 * config_next_entry() - cut the next entry of a list off
 * @list: the list, which is cut up; NULL after its last entry
 * @separators: characters that can stand between two entries
 *
 * Return: the entry without the white space around it, or NULL after the last.
 */
char *config_next_entry(char **list, const char *separators)
{
	char *entry = strsep(list, separators);
	size_t len;

	if (!entry)
		return NULL;
	entry += strspn(entry, " \t");
	len = strlen(entry);
	while (len && isspace((unsigned char)entry[len - 1]))
		entry[--len] = '\0';
	return entry;
}

static bool parse_listen_port(struct device *dev, char *text, const struct place *at)
{
	uint32_t port;

	if (!number_from_text(text, UINT16_MAX, &port))
		return fail_at(at, "'%s' is not a port (0 to 65535)", text);
	dev->listen_port = port;
	dev->has |= DEVICE_LISTEN_PORT;
	return true;
}

static bool parse_fwmark(struct device *dev, char *text, const struct place *at)
{
	dev->fwmark = 0;
	if (!is_off(text) && !mark_from_text(text, &dev->fwmark))
		return fail_at(at, "'%s' is not a mark (off, or 0 to 0xffffffff)", text);
	dev->has |= DEVICE_FWMARK;
	return true;
}

static bool parse_ciphers(struct device *dev, char *text, const struct place *at)
{
	char *entry;

	dev->has |= DEVICE_CIPHERS;
	dev->n_ciphers = 0;
	/* An empty list stands for the module's own. */
	if (!strcasecmp(text, "default"))
		return true;
	while ((entry = config_next_entry(&text, ","))) {
		uint8_t cipher = cipher_from_name(entry);

		if (!cipher)
			return fail_at(at, "'%s' is not a cipher (aes-256-gcm, chacha20-poly1305)",
				       entry);
		if (memchr(dev->ciphers, cipher, dev->n_ciphers))
			return fail_at(at, "%s is there twice", entry);
		dev->ciphers[dev->n_ciphers++] = cipher;
	}
	return true;
}

static bool parse_private_key(struct device *dev, char *text, const struct place *at)
{
	if (!key_from_text(dev->private_key, text))
		return fail_at(at, "not a key (44 characters of base64)");
	dev->has |= DEVICE_PRIVATE_KEY;
	return true;
}

static bool read_private_key(struct device *dev, char *path, const struct place *at)
{
	dev->has |= DEVICE_PRIVATE_KEY;
	return key_from_file(dev->private_key, path, at);
}

static bool parse_public_key(struct peer *peer, char *text, const struct place *at)
{
	if (!key_from_text(peer->public_key, text))
		return fail_at(at, "'%s' is not a key (44 characters of base64)", text);
	peer->has |= PEER_PUBLIC_KEY;
	return true;
}

static bool parse_preshared_key(struct peer *peer, char *text, const struct place *at)
{
	if (!key_from_text(peer->preshared_key, text))
		return fail_at(at, "not a key (44 characters of base64)");
	peer->has |= PEER_PRESHARED_KEY;
	return true;
}

static bool read_preshared_key(struct peer *peer, char *path, const struct place *at)
{
	peer->has |= PEER_PRESHARED_KEY;
	return key_from_file(peer->preshared_key, path, at);
}

static bool parse_endpoint(struct peer *peer, char *text, const struct place *at)
{
	const char *why;

	free(peer->host);
	peer->host = NULL;
	if (!endpoint_split(text, &peer->host, &peer->port, &why))
		return fail_at(at, "'%s' %s", text, why);
	peer->has |= PEER_ENDPOINT;
	peer->host_line = at->line;
	return true;
}

static bool parse_keepalive(struct peer *peer, char *text, const struct place *at)
{
	uint32_t seconds = 0;

	if (!is_off(text) && !number_from_text(text, UINT16_MAX, &seconds))
		return fail_at(at, "'%s' is not an interval (off, or 0 to 65535 seconds)", text);
	peer->keepalive = seconds;
	peer->has |= PEER_KEEPALIVE;
	return true;
}

static bool read_blob(struct blob *blob, size_t max, const char *path, const struct place *at)
{
	uint8_t bytes[TOYVPN_CONFIG_MAX];
	size_t len;

	if (!bytes_from_file(bytes, &len, max, path, at))
		return false;
	blob_set(blob, bytes, len);
	sodium_memzero(bytes, sizeof(bytes));
	return true;
}

static bool read_config_file(struct peer *peer, char *path, const struct place *at)
{
	peer->has |= PEER_CONFIG;
	return read_blob(&peer->config, TOYVPN_CONFIG_MAX, path, at);
}

static bool read_credentials_file(struct peer *peer, char *path, const struct place *at)
{
	peer->has |= PEER_CREDENTIALS;
	return read_blob(&peer->credentials, TOYVPN_CREDENTIALS_MAX, path, at);
}

static bool parse_ip_list(struct peer *peer, char *list, bool signs, const struct place *at)
{
	bool replace = true;
	const char *why;
	char *entry;

	if (!*list)
		list = NULL;
	while ((entry = config_next_entry(&list, ","))) {
		char sign = signs && (*entry == '+' || *entry == '-') ? *entry++ : 0;
		struct allowed_ip *ip = peer_add_ip(peer);

		if (!allowed_ip_from_text(ip, entry, &why))
			return fail_at(at, "'%s': %s", entry, why);
		ip->remove = sign == '-';
		if (sign)
			replace = false;
	}
	if (replace)
		peer->has |= PEER_ALLOWED_IPS;
	return true;
}

/* A list with a sign anywhere adds and removes, one without replaces. */
static bool parse_allowed_ips(struct peer *peer, char *list, const struct place *at)
{
	return parse_ip_list(peer, list, true, at);
}

/* In a file nothing is removed, and several lists add up. */
static bool parse_file_ips(struct peer *peer, char *list, const struct place *at)
{
	return parse_ip_list(peer, list, false, at);
}

/* The words of the command line, and the keys of a file. */
struct device_word {
	const char *name;
	bool (*parse)(struct device *dev, char *text, const struct place *at);
};

struct peer_word {
	const char *name;
	bool (*parse)(struct peer *peer, char *text, const struct place *at);
};

static const struct device_word device_words[] = {
	{ "listen-port", parse_listen_port },
	{ "fwmark", parse_fwmark },
	{ "private-key", read_private_key },
	{ "ciphers", parse_ciphers },
	{ }
};

static const struct peer_word peer_words[] = {
	{ "preshared-key", read_preshared_key },
	{ "endpoint", parse_endpoint },
	{ "persistent-keepalive", parse_keepalive },
	{ "allowed-ips", parse_allowed_ips },
	{ "config-file", read_config_file },
	{ "credentials-file", read_credentials_file },
	{ }
};

static const struct device_word device_keys[] = {
	{ "PrivateKey", parse_private_key },
	{ "ListenPort", parse_listen_port },
	{ "FwMark", parse_fwmark },
	{ "Ciphers", parse_ciphers },
	{ }
};

/* How many these are, at the most: the bits of others come after theirs. */
#define DEVICE_KEYS	8
static_assert(ARRAY_SIZE(device_keys) <= DEVICE_KEYS, "bits of keys");

static const struct peer_word peer_keys[] = {
	{ "PublicKey", parse_public_key },
	{ "PresharedKey", parse_preshared_key },
	{ "Endpoint", parse_endpoint },
	{ "PersistentKeepalive", parse_keepalive },
	{ "AllowedIPs", parse_file_ips },
	{ }
};

static const struct device_word *find_device_word(const struct device_word *table,
						  const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

static const struct peer_word *find_peer_word(const struct peer_word *table, const char *name)
{
	for (; table->name; table++)
		if (!strcasecmp(table->name, name))
			return table;
	return NULL;
}

/**
 * config_from_words() - read what a command line wants of a device
 * @dev: where to; empty
 * @n: number of words
 * @words: the words
 *
 * A peer that is named twice is there twice: the second is applied after the first.
 *
 * Return: whether the words are right; if not, the user has been told.
 */
bool config_from_words(struct device *dev, int n, char *words[])
{
	struct peer *peer = NULL;
	int i = 0;

	while (i < n) {
		struct place at = { .word = words[i] };
		const struct device_word *device_word = NULL;
		const struct peer_word *peer_word = NULL;
		const char *word = words[i++];

		if (peer && !strcasecmp(word, "remove")) {
			peer->has |= PEER_REMOVE;
			continue;
		}
		if (peer && !strcasecmp(word, "connect")) {
			peer->has |= PEER_CONNECT;
			continue;
		}
		if (peer)
			peer_word = find_peer_word(peer_words, word);
		else
			device_word = find_device_word(device_words, word);
		if (!device_word && !peer_word && strcasecmp(word, "peer")) {
			if (find_device_word(device_words, word))
				return fail("%s: has to stand before the first peer", word);
			if (!strcasecmp(word, "remove") || !strcasecmp(word, "connect") ||
			    find_peer_word(peer_words, word))
				return fail("%s: has to stand after peer KEY", word);
			return fail("'%s' is not a word of set: see \"toyvpnctl help set\"", word);
		}
		if (i == n)
			return fail("%s: what shall it be? A value has to follow", word);
		if (device_word) {
			if (!device_word->parse(dev, words[i++], &at))
				return false;
		} else if (peer_word) {
			if (!peer_word->parse(peer, words[i++], &at))
				return false;
		} else {
			peer = device_add_peer(dev);
			if (!parse_public_key(peer, words[i++], &at))
				return false;
		}
	}
	return true;
}

/* A configuration file while it is read. */
struct reader {
	struct device *dev;
	const struct config_key *more;	/* keys of [Interface], or NULL */
	void *to;			/* for these */
	struct peer *peer;
	bool in_interface;
	bool had_interface;
	uint64_t seen;		/* bits: keys of this section */
	struct place at;
};

/* Each [Peer] has to say who it is; asked at its end. */
static bool end_section(const struct reader *reader)
{
	const struct peer *peer = reader->peer;
	struct place at = reader->at;

	if (!peer || peer->has & PEER_PUBLIC_KEY)
		return true;
	at.line = peer->line;
	at.word = NULL;
	return fail_at(&at, "this [Peer] has no PublicKey");
}

static bool begin_section(struct reader *reader, const char *name)
{
	if (!end_section(reader))
		return false;
	reader->seen = 0;
	reader->peer = NULL;
	reader->in_interface = false;
	if (!strcasecmp(name, "[Peer]")) {
		reader->peer = device_add_peer(reader->dev);
		reader->peer->line = reader->at.line;
		return true;
	}
	if (strcasecmp(name, "[Interface]"))
		return fail_at(&reader->at, "'%s' is neither [Interface] nor [Peer]", name);
	if (reader->had_interface)
		return fail_at(&reader->at, "a second [Interface]");
	reader->in_interface = true;
	reader->had_interface = true;
	return true;
}

/* A key's name, for an error. Not what looks like anything else: it could be a secret. */
static const char *name_of(const char *key)
{
	size_t len = strlen(key);
	size_t i;

	for (i = 0; i < len; i++)
		if (!isalnum((unsigned char)key[i]))
			break;
	return i == len && len <= 24 ? key : "this";
}

/* The known key that is nearest to one that is not. */
static const char *nearest_key(const struct reader *reader, const char *key)
{
	const struct config_key *more;
	struct nearest nearest;
	size_t i;

	nearest_begin(&nearest, key);
	for (i = 0; reader->peer && peer_keys[i].name; i++)
		nearest_try(&nearest, peer_keys[i].name);
	for (i = 0; !reader->peer && device_keys[i].name; i++)
		nearest_try(&nearest, device_keys[i].name);
	for (more = reader->peer ? NULL : reader->more; more && more->name; more++)
		nearest_try(&nearest, more->name);
	return nearest.word;
}

static bool unknown_key(const struct reader *reader, const char *key)
{
	return fail_at(&reader->at, "%s is not a key of %s: the nearest is %s", name_of(key),
		       reader->peer ? "[Peer]" : "[Interface]", nearest_key(reader, key));
}

/* The bit that a key of this section has, once in a section unless it repeats. */
static bool note_key(struct reader *reader, const struct place *at, size_t bit, bool repeats)
{
	const uint64_t mask = UINT64_C(1) << bit;

	if (reader->seen & mask && !repeats)
		return fail_at(at, "is there twice");
	reader->seen |= mask;
	return true;
}

static bool read_peer_key(struct reader *reader, const char *key, char *value)
{
	const struct peer_word *known = find_peer_word(peer_keys, key);
	struct place at = reader->at;

	if (!known)
		return unknown_key(reader, key);
	at.word = known->name;
	return note_key(reader, &at, known - peer_keys, known->parse == parse_file_ips) &&
	       known->parse(reader->peer, value, &at);
}

static bool read_more_key(struct reader *reader, const char *key, char *value)
{
	const struct config_key *known = reader->more;
	struct place at = reader->at;

	while (known && known->name && strcasecmp(known->name, key))
		known++;
	if (!known || !known->name)
		return unknown_key(reader, key);
	at.word = known->name;
	return note_key(reader, &at, DEVICE_KEYS + (known - reader->more), known->repeats) &&
	       known->parse(reader->to, value, &at);
}

static bool read_key(struct reader *reader, const char *key, char *value)
{
	const struct device_word *known;
	struct place at = reader->at;

	if (reader->peer)
		return read_peer_key(reader, key, value);
	if (!reader->in_interface)
		return fail_at(&at, "%s stands before any [Interface] or [Peer]",
			       name_of(key));
	known = find_device_word(device_keys, key);
	if (!known)
		return read_more_key(reader, key, value);
	at.word = known->name;
	return note_key(reader, &at, known - device_keys, false) &&
	       known->parse(reader->dev, value, &at);
}

/* Cut white space off both ends. */
static char *trim(char *text)
{
	size_t len;

	while (isspace((unsigned char)*text))
		text++;
	len = strlen(text);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool read_line(struct reader *reader, char *line)
{
	char *equals;

	*strchrnul(line, '#') = '\0';
	line = trim(line);
	if (!*line)
		return true;
	if (*line == '[')
		return begin_section(reader, line);
	equals = strchr(line, '=');
	if (!equals)
		return fail_at(&reader->at, "this is neither a [section] nor KEY = VALUE");
	*equals = '\0';
	return read_key(reader, trim(line), trim(equals + 1));
}

static bool read_lines(struct reader *reader, FILE *file)
{
	char *line = NULL;
	bool good = true;
	size_t size = 0;
	ssize_t len;

	while (good && (len = getline(&line, &size, file)) >= 0) {
		reader->at.line++;
		good = strlen(line) == (size_t)len ?
			read_line(reader, line) :
			fail_at(&reader->at, "a zero byte: this is not a text file");
		sodium_memzero(line, len);
	}
	if (good && ferror(file))
		good = fail("%s: %s", reader->at.file, strerror(errno));
	free(line);
	return good && end_section(reader);
}

static bool has_no_twins(struct device *dev, const char *path)
{
	struct place at = { .file = path };
	char key[KEY_TEXT_SIZE];
	struct peer *twin;

	peer_index_free(peer_index(dev, &twin));
	if (!twin)
		return true;
	key_to_text(key, twin->public_key);
	at.line = twin->line;
	return fail_at(&at, "a second [Peer] with the PublicKey %s", key);
}

/* What others can read is no secret. */
static void warn_of_readers(const struct device *dev, FILE *file, const char *path)
{
	bool secret = dev->has & DEVICE_PRIVATE_KEY;
	struct stat st;
	size_t i;

	for (i = 0; i < dev->n_peers; i++)
		secret |= !key_is_zero(dev->peers[i]->preshared_key);
	if (secret && !fstat(fileno(file), &st) && S_ISREG(st.st_mode) && st.st_mode & 0007)
		warn("%s: other users can open this file, and it holds keys: chmod 600 %s", path,
		     path);
}

/**
 * config_read() - read a configuration file with more than the kernel's keys
 * @dev: where the kernel's go to; empty
 * @path: the file
 * @more: further keys of [Interface], 56 at most, the last without a name; or NULL
 * @to: for these
 *
 * Warns if the file holds a key and other users can read it.
 *
 * Return: whether all of the file is right; if not, the user has been told.
 */
bool config_read(struct device *dev, const char *path, const struct config_key *more, void *to)
{
	struct reader reader = { .dev = dev, .more = more, .to = to, .at.file = path };
	char buffer[BUFSIZ];
	FILE *file;
	bool good;

	file = fopen(path, "re");
	if (!file)
		return fail("%s: %s", path, strerror(errno));
	/* A buffer of our own, because it has to be wiped. */
	setvbuf(file, buffer, _IOFBF, sizeof(buffer));
	good = read_lines(&reader, file) && has_no_twins(dev, path);
	if (good)
		warn_of_readers(dev, file, path);
	fclose(file);
	sodium_memzero(buffer, sizeof(buffer));
	return good;
}

/**
 * config_from_file() - read what a configuration file wants of a device
 * @dev: where to; empty
 * @path: the file
 *
 * Return: whether all of the file is right; if not, the user has been told.
 */
bool config_from_file(struct device *dev, const char *path)
{
	return config_read(dev, path, NULL, NULL);
}

static bool resolve(struct peer *peer, const char *path)
{
	const struct place at = {
		.file = path,
		.line = peer->host_line,
		.word = path ? "Endpoint" : "endpoint",
	};
	const char *why;

	return endpoint_resolve(&peer->endpoint, peer->host, peer->port, &why) ||
	       fail_at(&at, "'%s': %s", peer->host, why);
}

/**
 * config_resolve() - find the addresses of all endpoints
 * @dev: what is wanted
 * @path: the file that it comes from, NULL for the command line
 *
 * Done when all else is known to be right, because it can take minutes.
 *
 * Return: whether all have one; if not, the user has been told.
 */
bool config_resolve(struct device *dev, const char *path)
{
	size_t i;

	for (i = 0; i < dev->n_peers; i++) {
		struct peer *peer = dev->peers[i];

		if (peer->host && !(peer->has & PEER_REMOVE) && !resolve(peer, path))
			return false;
	}
	return true;
}

/**
 * config_resolve_addresses() - read the endpoints that are addresses, and leave just names
 * @dev: what is wanted
 * @path: the file that it comes from
 *
 * Return: whether these are right; if not, the user has been told.
 */
bool config_resolve_addresses(struct device *dev, const char *path)
{
	size_t i;

	for (i = 0; i < dev->n_peers; i++) {
		struct peer *peer = dev->peers[i];

		if (!peer->host || !endpoint_is_address(peer->host))
			continue;
		if (!resolve(peer, path))
			return false;
		free(peer->host);
		peer->host = NULL;
	}
	return true;
}
