// SPDX-License-Identifier: GPL-2.0
/*
 * The machine that the tool is on. Some folders are the fuzzer's own, and empty; links, addresses,
 * routes and the like are counted; what comes over a socket is set; a command that is run has been
 * done at once, and does nothing.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <libmnl/libmnl.h>
#include <sanitizer/asan_interface.h>

#include "../../tools/authorizer.h"
#include "../../tools/configblob.h"
#include "../../tools/events.h"
#include "../../tools/genl.h"
#include "../../tools/killswitch.h"
#include "../../tools/nat.h"
#include "../../tools/password.h"
#include "../../tools/record.h"
#include "../../tools/report.h"
#include "../../tools/resolve.h"
#include "../../tools/rtnl.h"
#include "../../tools/server.h"
#include "../../tools/sysctl.h"
#include "../../tools/users.h"
#include "../../tools/watch.h"
#include "fuzz.h"
#include "wrap.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define IFINDEX		7
/* A process that is not there. */
#define PROCESS		INT_MAX

/* Something of each kind of step */
static const char tunnel[] =
	"[Interface]\n"
	"PrivateKey = YEhJSFCUnRxRjCZUpsTzoyDbhn/lEGo2VZ9VWd9UnGI=\n"
	"Address = 10.9.0.2/24, fd09::2/64\n"
	"DNS = 10.9.0.1, example.org\n"
	"KillSwitch = local\n"
	"PreUp = true\n"
	"PostUp = true %i\n"
	"PreDown = true\n"
	"PostDown = true\n"
	"[Peer]\n"
	"PublicKey = AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
	"Endpoint = vpn.example.net:51820\n"
	"AllowedIPs = 0.0.0.0/0, ::/0\n";

static struct {
	bool link;
	bool nat;
	bool kill_switch;
	unsigned int addresses;
	unsigned int routes;
	unsigned int rules;
} machine;

/*
 * Folders
 */

static const char * const folders[] = { "/etc", "/run", "/var/lib" };

/**
 * fuzz_machine_open() - come to a machine where nothing can be broken
 */
void fuzz_machine_open(void)
{
	size_t i;

	must(!unshare(CLONE_NEWNS | CLONE_NEWNET));
	/* In a chroot that is none; enter.sh has seen to it there. */
	must(!mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || errno == EINVAL);
	for (i = 0; i < ARRAY_SIZE(folders); i++)
		must(!mount("fuzz", folders[i], "tmpfs", 0, NULL));
	must(!mkdir("/etc/toyvpn", 0700));
}

/**
 * fuzz_machine_has() - whether a file is, or would be, in a folder of the fuzzer's own
 * @path: its path
 *
 * Return: whether it is.
 */
bool fuzz_machine_has(const char *path)
{
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(folders); i++) {
		len = strlen(folders[i]);
		if (!strncmp(path, folders[i], len) && path[len] == '/' && !strstr(path, ".."))
			return true;
	}
	return false;
}

/**
 * fuzz_write() - write a file
 * @path: its path
 * @data: the bytes
 * @len: how many
 */
void fuzz_write(const char *path, const void *data, size_t len)
{
	FILE *file = fopen(path, "we");

	must(file && fwrite(data, 1, len, file) == len);
	must(!fclose(file));
}

/**
 * fuzz_read() - read a file
 * @path: its path
 * @text: set to what it holds, without data if there is none
 */
void fuzz_read(const char *path, struct text *text)
{
	FILE *file = fopen(path, "re");
	char bytes[4096];
	size_t n;

	*text = (struct text){ 0 };
	if (!file)
		return;
	text_add(text, "", 0);
	while ((n = fread(bytes, 1, sizeof(bytes), file)))
		text_add(text, bytes, n);
	fclose(file);
}

/**
 * fuzz_records() - where the records of tunnels are
 *
 * Return: the folder, which is there.
 */
const char *fuzz_records(void)
{
	static struct record record;

	if (!*record.folder) {
		must(record_open(&record, FUZZ_IFNAME, false));
		record_close(&record);
	}
	return record.folder;
}

/**
 * fuzz_machine_clear() - be as if there never had been a tunnel
 */
void fuzz_machine_clear(void)
{
	DIR *dir = opendir(fuzz_records());
	struct dirent *entry;

	must(dir);
	while ((entry = readdir(dir)))
		unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
	unlink("/etc/resolv.conf");
	memset(&machine, 0, sizeof(machine));
}

/**
 * fuzz_machine_is_clean() - whether nothing is left of any tunnel
 *
 * Return: whether it is so.
 */
bool fuzz_machine_is_clean(void)
{
	return !machine.link && !machine.nat && !machine.kill_switch && !machine.addresses &&
	       !machine.routes && !machine.rules && access("/etc/resolv.conf", F_OK);
}

/**
 * fuzz_tunnel() - have the only file be a whole tunnel's
 */
void fuzz_tunnel(void)
{
	fuzz_file(tunnel, strlen(tunnel));
}

/**
 * fuzz_up() - have such a tunnel that is up, on a machine that had none
 */
void fuzz_up(void)
{
	const char * const words[] = { "up", FUZZ_IFNAME, "--no-wait", NULL };
	struct outcome outcome;

	fuzz_tunnel();
	outcome = fuzz_run(words);
	must(outcome.good);
	outcome_free(&outcome);
}

/*
 * The network
 */

static bool failed(struct rtnl *rtnl, int error)
{
	rtnl->error = error;
	snprintf(rtnl->reason, sizeof(rtnl->reason), "%s", strerror(error));
	return false;
}

static bool take_one(struct rtnl *rtnl, unsigned int *of, int error)
{
	if (!*of)
		return failed(rtnl, error);
	--*of;
	return true;
}

static bool is_ours(const char *ifname)
{
	return machine.link && !strcmp(ifname, FUZZ_IFNAME);
}

unsigned int __wrap_if_nametoindex(const char *ifname)
{
	return is_ours(ifname) ? IFINDEX : 0;
}

bool __wrap_rtnl_open(struct rtnl *rtnl)
{
	*rtnl = (struct rtnl){ 0 };
	return true;
}

bool __wrap_rtnl_link_get(struct rtnl *rtnl, const char *ifname, struct rtnl_link *link)
{
	if (!is_ours(ifname))
		return failed(rtnl, ENODEV);
	*link = (struct rtnl_link){ .ifindex = IFINDEX, .mtu = 1420, .kind = RTNL_KIND };
	return true;
}

bool __wrap_rtnl_link_add(struct rtnl *rtnl, const char *ifname)
{
	must(!strcmp(ifname, FUZZ_IFNAME));
	if (machine.link)
		return failed(rtnl, EEXIST);
	fuzz_device_clear(&fuzz_kernel);
	machine.link = true;
	return true;
}

bool __wrap_rtnl_link_del(struct rtnl *rtnl, uint32_t ifindex)
{
	must(ifindex == IFINDEX);
	if (!machine.link)
		return failed(rtnl, ENODEV);
	machine.link = false;
	return true;
}

bool __wrap_rtnl_link_up(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu)
{
	(void)rtnl;
	must(machine.link && ifindex == IFINDEX && mtu >= CONFIGBLOB_MTU_MIN);
	return true;
}

static void check_network(uint32_t ifindex, const struct allowed_ip *ip)
{
	must(ifindex == IFINDEX);
	must(ip->family == AF_INET || ip->family == AF_INET6);
	must(ip->prefix_len <= allowed_ip_bits(ip));
}

bool __wrap_rtnl_address_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address)
{
	(void)rtnl;
	check_network(ifindex, address);
	machine.addresses++;
	return true;
}

bool __wrap_rtnl_address_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address)
{
	check_network(ifindex, address);
	return take_one(rtnl, &machine.addresses, EADDRNOTAVAIL);
}

bool __wrap_rtnl_route_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
			   uint32_t table)
{
	(void)rtnl;
	(void)table;
	check_network(ifindex, to);
	machine.routes++;
	return true;
}

bool __wrap_rtnl_route_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
			   uint32_t table)
{
	(void)table;
	check_network(ifindex, to);
	return take_one(rtnl, &machine.routes, ESRCH);
}

bool __wrap_rtnl_path_to(struct rtnl *rtnl, const union endpoint *endpoint, uint32_t mark,
			 struct rtnl_path *path)
{
	(void)rtnl;
	(void)mark;
	must(endpoint->any.sa_family);
	*path = (struct rtnl_path){ .ifindex = IFINDEX + 1, .mtu = 1500 };
	path->source.family = endpoint->any.sa_family;
	path->source.v6.s6_addr[0] = 192;
	return true;
}

bool __wrap_rtnl_table_is_free(struct rtnl *rtnl, uint32_t table)
{
	(void)rtnl;
	(void)table;
	return true;
}

bool __wrap_rtnl_rule_add(struct rtnl *rtnl, int family, uint32_t mark)
{
	(void)rtnl;
	(void)mark;
	must(family == AF_INET || family == AF_INET6);
	machine.rules++;
	return true;
}

bool __wrap_rtnl_rule_del(struct rtnl *rtnl, int family, uint32_t mark)
{
	(void)mark;
	must(family == AF_INET || family == AF_INET6);
	return take_one(rtnl, &machine.rules, ENOENT);
}

bool __wrap_killswitch_set(const char *ifname, uint32_t mark, bool local)
{
	(void)mark;
	(void)local;
	must(!strcmp(ifname, FUZZ_IFNAME));
	machine.kill_switch = true;
	return true;
}

bool __wrap_killswitch_unset(const char *ifname)
{
	must(!strcmp(ifname, FUZZ_IFNAME));
	machine.kill_switch = false;
	return true;
}

bool __wrap_nat_up(const char *ifname, const struct allowed_ip *clients, size_t n, const char *out)
{
	(void)clients;
	must(!strcmp(ifname, FUZZ_IFNAME) && n && out);
	machine.nat = true;
	return true;
}

bool __wrap_nat_down(const char *ifname)
{
	must(!strcmp(ifname, FUZZ_IFNAME));
	machine.nat = false;
	return true;
}

const char *fuzz_tables = "";

char *__wrap_nft_ask(const char *commands)
{
	must(*commands);
	return xstrndup(fuzz_tables, strlen(fuzz_tables));
}

bool __wrap_nft_run(const char *commands)
{
	unsigned int quotes = 0;

	for (; *commands; commands++)
		quotes += *commands == '"';
	must(quotes % 2 == 0);
	return true;
}

bool __wrap_nft_remove_table(const char *table)
{
	return *table;
}

bool __wrap_sysctl_read(const char *name, char value[static SYSCTL_VALUE_SIZE])
{
	must(*name);
	snprintf(value, SYSCTL_VALUE_SIZE, "1");
	return true;
}

bool __wrap_sysctl_write(const char *name, const char *value)
{
	return *name && *value;
}

/*
 * What comes over sockets
 */

static const void *datagram;
static size_t datagram_len;

/**
 * fuzz_datagram() - set what comes next; nothing comes after it
 * @data: the bytes, the caller's
 * @len: how many
 */
void fuzz_datagram(const void *data, size_t len)
{
	datagram = data;
	datagram_len = len;
}

/* Who reads further than a message goes is told of by AddressSanitizer. */
static ssize_t receive(void *to, size_t size)
{
	size_t len = datagram_len < size ? datagram_len : size;

	ASAN_UNPOISON_MEMORY_REGION(to, size);
	if (!datagram) {
		errno = EAGAIN;
		return -1;
	}
	if (len)
		memcpy(to, datagram, len);
	ASAN_POISON_MEMORY_REGION((char *)to + len, size - len);
	datagram = NULL;
	return (ssize_t)len;
}

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *to, size_t size)
{
	(void)nl;
	return receive(to, size);
}

ssize_t __wrap_recv(int fd, void *to, size_t size, int flags)
{
	(void)fd;
	(void)flags;
	return receive(to, size);
}

ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t len)
{
	(void)nl;
	(void)request;
	return (ssize_t)len;
}

int __wrap_mnl_socket_get_fd(const struct mnl_socket *nl)
{
	(void)nl;
	return -1;
}

/* libmnl is not compiled with AddressSanitizer, and looks at no length. */
uint16_t __wrap_mnl_attr_get_u16(const struct nlattr *attr)
{
	must(mnl_attr_get_payload_len(attr) >= sizeof(uint16_t));
	return __real_mnl_attr_get_u16(attr);
}

uint32_t __wrap_mnl_attr_get_u32(const struct nlattr *attr)
{
	must(mnl_attr_get_payload_len(attr) >= sizeof(uint32_t));
	return __real_mnl_attr_get_u32(attr);
}

const char *__wrap_mnl_attr_get_str(const struct nlattr *attr)
{
	must(memchr(mnl_attr_get_payload(attr), 0, mnl_attr_get_payload_len(attr)));
	return __real_mnl_attr_get_str(attr);
}

bool __wrap_events_open(struct events *events)
{
	events->nl = NULL;
	return true;
}

/* What waits for a datagram alone has waited in vain if none is there. */
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout)
{
	nfds_t i;
	int ready = 0;

	(void)timeout;
	for (i = 0; i < n; i++) {
		fds[i].revents = fds[i].fd >= 0 || datagram ? POLLIN : 0;
		ready += fds[i].fd >= 0 || datagram;
	}
	if (ready)
		return ready;
	errno = EIO;
	return -1;
}

/*
 * Other processes, and other programs' work
 */

pid_t __wrap_fork(void)
{
	return PROCESS;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	(void)options;
	must(pid == PROCESS);
	*status = 0;
	return pid;
}

int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old)
{
	(void)how;
	(void)set;
	(void)old;
	return 0;
}

/* A server is told to end as soon as it waits. */
int __wrap_signalfd(int fd, const sigset_t *set, int flags)
{
	const struct signalfd_siginfo info = { .ssi_signo = SIGTERM };
	int ends[2];

	(void)fd;
	(void)set;
	must(!pipe2(ends, flags & SFD_CLOEXEC ? O_CLOEXEC : 0));
	must(write(ends[1], &info, sizeof(info)) == sizeof(info));
	close(ends[1]);
	return ends[0];
}

bool __wrap_resolver_start(struct resolver *resolver, const char *host, uint16_t port)
{
	struct answer answer = { 0 };
	const char *why;
	int ends[2];

	*resolver = (struct resolver){ .fd = -1 };
	/* No name is known later: who would try again for ever is told so at once. */
	if (!endpoint_resolve(&answer.list[0], host, port, &why))
		return fail("%s: %s", host, why);
	answer.n = 1;
	must(!pipe2(ends, O_CLOEXEC));
	must(write(ends[1], &answer, sizeof(answer)) == sizeof(answer));
	close(ends[1]);
	resolver->fd = ends[0];
	return true;
}

enum watch_end __wrap_watch_run(struct watch *watch)
{
	must(watch->tunnel->ifindex == IFINDEX);
	return WATCH_CONNECTED;
}

bool __wrap_authorizer_open(struct authorizer *auth, const char *ifname, uint32_t ifindex)
{
	(void)ifname;
	(void)ifindex;
	*auth = (struct authorizer){ 0 };
	return true;
}

int __wrap_authorizer_fd(const struct authorizer *auth)
{
	(void)auth;
	return -1;
}

int __wrap_verifier_fd(const struct verifier *verifier)
{
	(void)verifier;
	return -1;
}

bool __wrap_server_open(struct server *server)
{
	must(!server->leases);
	return true;
}

/*
 * People, and their passwords
 */

const char *fuzz_password = "secret";

bool __wrap_password_ask(char password[static PASSWORD_SIZE], const char *prompt)
{
	must(*prompt);
	snprintf(password, PASSWORD_SIZE, "%s", fuzz_password);
	return true;
}

bool __wrap_password_from_file(char password[static PASSWORD_SIZE], const char *path)
{
	if (strcmp(path, FUZZ_FILE))
		return fail("%s: %s", path, strerror(ENOENT));
	snprintf(password, PASSWORD_SIZE, "%s", fuzz_password);
	return true;
}

/* Theirs take long by intention. */
bool __wrap_user_hash(char hash[static crypto_pwhash_STRBYTES], const char *password)
{
	must(*password);
	snprintf(hash, crypto_pwhash_STRBYTES, FUZZ_HASH);
	return true;
}

bool __wrap_users_add(const char *path, const struct user *user)
{
	must(*path && user_name_is_good(user->name));
	return true;
}

bool __wrap_users_replace(const char *path, const struct user *user)
{
	must(*path && user_name_is_good(user->name));
	return true;
}

bool __wrap_users_remove(const char *path, const char *name)
{
	must(*path && user_name_is_good(name));
	return true;
}
