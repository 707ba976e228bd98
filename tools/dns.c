// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <systemd/sd-bus.h>

#include "addr.h"
#include "dns.h"
#include "report.h"

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

#define RESOLV_CONF	"/etc/resolv.conf"
/* What is to become it, while it is written. */
#define RESOLV_CONF_NEW	RESOLV_CONF ".toyvpn"
#define RESOLVED	"org.freedesktop.resolve1"
#define RESOLVED_PATH	"/org/freedesktop/resolve1"
#define RESOLVED_MANAGER "org.freedesktop.resolve1.Manager"

/* Where resolvconf is, if it is openresolv's or Debian's and not resolved in disguise. */
static const char * const resolvconf_paths[] = {
	"/sbin/resolvconf", "/usr/sbin/resolvconf", "/usr/bin/resolvconf",
};

/*
 * systemd-resolved
 */

static bool resolved_runs(void)
{
	sd_bus_creds *creds = NULL;
	sd_bus *bus = NULL;
	bool runs;

	/* Not by a call to it, which would start it. */
	runs = sd_bus_open_system(&bus) >= 0 &&
	       sd_bus_get_name_creds(bus, RESOLVED, 0, &creds) >= 0;
	sd_bus_creds_unref(creds);
	sd_bus_flush_close_unref(bus);
	return runs;
}

static int put_servers(sd_bus_message *message, const char *servers)
{
	char *copy = xstrndup(servers, strlen(servers)), *rest = copy, *text;
	const char *why;
	int error;

	error = sd_bus_message_open_container(message, 'a', "(iay)");
	while (error >= 0 && (text = strsep(&rest, " "))) {
		struct allowed_ip ip;

		if (!*text || !address_from_text(&ip, text, &why))
			continue;
		error = sd_bus_message_open_container(message, 'r', "iay");
		if (error >= 0)
			error = sd_bus_message_append(message, "i", ip.family);
		if (error >= 0)
			error = sd_bus_message_append_array(message, 'y', &ip.v6,
							    allowed_ip_size(&ip));
		if (error >= 0)
			error = sd_bus_message_close_container(message);
	}
	free(copy);
	return error < 0 ? error : sd_bus_message_close_container(message);
}

/* The domains that are searched, and all others: every name is asked here. */
static int put_domains(sd_bus_message *message, const char *search)
{
	char *copy = xstrndup(search, strlen(search)), *rest = copy, *text;
	int error;

	error = sd_bus_message_open_container(message, 'a', "(sb)");
	while (error >= 0 && (text = strsep(&rest, " ")))
		if (*text)
			error = sd_bus_message_append(message, "(sb)", text, 0);
	if (error >= 0)
		error = sd_bus_message_append(message, "(sb)", ".", 1);
	free(copy);
	return error < 0 ? error : sd_bus_message_close_container(message);
}

static int call(sd_bus *bus, const char *method, uint32_t ifindex,
		int (*put)(sd_bus_message *message, const char *text), const char *text,
		sd_bus_error *why)
{
	sd_bus_message *message = NULL;
	int error;

	error = sd_bus_message_new_method_call(bus, &message, RESOLVED, RESOLVED_PATH,
					       RESOLVED_MANAGER, method);
	if (error >= 0)
		error = sd_bus_message_append(message, "i", (int)ifindex);
	if (error >= 0 && put)
		error = put(message, text);
	if (error >= 0)
		error = sd_bus_call(bus, message, 0, why, NULL);
	sd_bus_message_unref(message);
	return error;
}

static int put_yes(sd_bus_message *message, const char *text)
{
	(void)text;
	return sd_bus_message_append(message, "b", 1);
}

static bool end_resolved(sd_bus *bus, int error, sd_bus_error *why)
{
	bool good = error >= 0;

	if (!good)
		fail("DNS: systemd-resolved: %s", why->message ? why->message : strerror(-error));
	sd_bus_error_free(why);
	sd_bus_flush_close_unref(bus);
	return good;
}

static bool set_resolved(const char *ifname, uint32_t ifindex, const char *servers,
			 const char *search)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	int error;

	(void)ifname;
	error = sd_bus_open_system(&bus);
	if (error >= 0)
		error = call(bus, "SetLinkDNS", ifindex, put_servers, servers, &why);
	if (error >= 0)
		error = call(bus, "SetLinkDomains", ifindex, put_domains, search, &why);
	if (error >= 0)
		error = call(bus, "SetLinkDefaultRoute", ifindex, put_yes, NULL, &why);
	return end_resolved(bus, error, &why);
}

static bool unset_resolved(const char *ifname, uint32_t ifindex)
{
	sd_bus_error why = SD_BUS_ERROR_NULL;
	sd_bus *bus = NULL;
	int error;

	(void)ifname;
	/* It forgets a link that is gone by itself, and all of them when it ends. */
	if (!ifindex || !resolved_runs())
		return true;
	error = sd_bus_open_system(&bus);
	if (error >= 0)
		error = call(bus, "RevertLink", ifindex, NULL, NULL, &why);
	return end_resolved(bus, error, &why);
}

/*
 * resolvconf
 */

static const char *find_resolvconf(void)
{
	char target[PATH_MAX];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(resolvconf_paths); i++) {
		const char *base;

		if (access(resolvconf_paths[i], X_OK) || !realpath(resolvconf_paths[i], target))
			continue;
		base = strrchr(target, '/');
		if (base && strcmp(base, "/resolvectl"))
			return resolvconf_paths[i];
	}
	return NULL;
}

/* The lines of a resolv.conf, the caller's to free. */
static char *lines_of(const char *servers, const char *search)
{
	char *copy = xstrndup(servers, strlen(servers)), *rest = copy, *server, *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	if (file) {
		while ((server = strsep(&rest, " ")))
			if (*server)
				fprintf(file, "nameserver %s\n", server);
		if (*search)
			fprintf(file, "search %s\n", search);
		fclose(file);
	}
	free(copy);
	if (!text) {
		fail("out of memory");
		exit(EXIT_FAILURE);
	}
	return text;
}

static __noreturn void be_resolvconf(const char *path, const char *const words[], int in)
{
	char *argv[8] = { (char *)path };
	size_t i;

	for (i = 0; words[i] && i < 6; i++)
		argv[i + 1] = (char *)words[i];
	dup2(in, STDIN_FILENO);
	execv(path, argv);
	_exit(127);
}

/* Run resolvconf with words and a text for its stdin. */
static bool run_resolvconf(const char *const words[], const char *text)
{
	const char *path = find_resolvconf();
	int ends[2], status = -1;
	pid_t pid;

	if (!path)
		return fail("DNS: the program that set it is not here any more");
	if (pipe2(ends, O_CLOEXEC))
		return fail("DNS: %s", strerror(errno));
	/* A few hundred bytes: there is room for them in the pipe before anybody reads. */
	if (write(ends[1], text, strlen(text)) < 0)
		warn("DNS: %s", strerror(errno));
	fflush(stdout);
	pid = fork();
	if (!pid)
		be_resolvconf(path, words, ends[0]);
	close(ends[0]);
	close(ends[1]);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return (pid > 0 && WIFEXITED(status) && !WEXITSTATUS(status)) ||
	       fail("DNS: %s %s failed", path, words[0]);
}

static bool set_resolvconf(const char *ifname, uint32_t ifindex, const char *servers,
			   const char *search)
{
	/* First of all, and nobody else is asked. */
	const char * const words[] = { "-a", ifname, "-m", "0", "-x", NULL };
	char *text = lines_of(servers, search);
	bool good;

	(void)ifindex;
	good = run_resolvconf(words, text);
	free(text);
	return good;
}

static bool unset_resolvconf(const char *ifname, uint32_t ifindex)
{
	const char * const words[] = { "-d", ifname, "-f", NULL };

	(void)ifindex;
	return run_resolvconf(words, "");
}

/*
 * resolv.conf itself. What was there is kept beside it, where it outlives a restart of the machine.
 */

static void name_backup(char path[static PATH_MAX], const char *ifname)
{
	snprintf(path, PATH_MAX, "%s.before-%s", RESOLV_CONF, ifname);
}

/* The line that ours begins with */
static void first_line(char line[static 128], const char *ifname)
{
	snprintf(line, 128, "# by \"toyvpnctl up\", until \"toyvpnctl down %s\"\n", ifname);
}

/* What a file holds, the caller's to free; NULL for none. */
static char *slurp(const char *path)
{
	FILE *file = fopen(path, "re");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = ferror(file) ? NULL : xstrndup("", 0);
	}
	fclose(file);
	return text;
}

static bool spill(const char *path, const char *text)
{
	FILE *file = fopen(path, "we");
	bool good;

	if (!file)
		return false;
	fchmod(fileno(file), 0644);
	good = fputs(text, file) >= 0 && !fflush(file) && !fsync(fileno(file));
	return !fclose(file) && good;
}

/* Put a text in the place of resolv.conf, at once; where it is mounted, into it. */
static bool replace(const char *text)
{
	bool good = spill(RESOLV_CONF_NEW, text) && !rename(RESOLV_CONF_NEW, RESOLV_CONF);

	if (!good) {
		int error = errno;

		unlink(RESOLV_CONF_NEW);
		errno = error;
		good = error == EBUSY && spill(RESOLV_CONF, text);
	}
	return good || fail("DNS: %s: %s", RESOLV_CONF, strerror(errno));
}

/* Keep what is there: the same file or link, under another name; where it is mounted, a copy. */
static bool back_up(const char *backup, const char *text)
{
	unlink(backup);
	return !linkat(AT_FDCWD, RESOLV_CONF, AT_FDCWD, backup, 0) || errno == ENOENT ||
	       (text && spill(backup, text)) || fail("DNS: %s: %s", backup, strerror(errno));
}

static bool is_ours(const char *text, const char *ifname)
{
	char line[128];

	first_line(line, ifname);
	return text && !strncmp(text, line, strlen(line));
}

/* What was kept is not needed if nothing has changed. */
static void forget_backup(const char *backup, const char *before)
{
	char *now = slurp(RESOLV_CONF);

	if (now && before ? !strcmp(now, before) : now == before)
		unlink(backup);
	free(now);
}

static bool set_file(const char *ifname, uint32_t ifindex, const char *servers,
		     const char *search)
{
	char backup[PATH_MAX], line[128], *lines, *text = NULL, *now = slurp(RESOLV_CONF);
	bool good;

	(void)ifindex;
	name_backup(backup, ifname);
	first_line(line, ifname);
	if (now && strstr(now, "# by \"toyvpnctl up\"") == now && !is_ours(now, ifname)) {
		free(now);
		return fail("DNS: %s is another tunnel's: its first line says which",
			    RESOLV_CONF);
	}
	lines = lines_of(servers, search);
	good = asprintf(&text, "%s%s", line, lines) >= 0 &&
	       (is_ours(now, ifname) || back_up(backup, now)) && replace(text);
	if (!good && !is_ours(now, ifname))
		forget_backup(backup, now);
	free(text);
	free(lines);
	free(now);
	return good;
}

static bool unset_file(const char *ifname, uint32_t ifindex)
{
	char backup[PATH_MAX], *now = slurp(RESOLV_CONF), *before;
	bool good = true;

	(void)ifindex;
	name_backup(backup, ifname);
	/* Of one that was killed */
	unlink(RESOLV_CONF_NEW);
	/* What somebody else has put there in the meantime stays. */
	if (is_ours(now, ifname) && rename(backup, RESOLV_CONF)) {
		int error = errno;

		before = slurp(backup);
		/* Mounted, or there was none. */
		good = error == EBUSY ? before && spill(RESOLV_CONF, before) :
		       error == ENOENT && !unlink(RESOLV_CONF);
		free(before);
	}
	free(now);
	if (!good)
		return fail("DNS: %s: %s", RESOLV_CONF, strerror(errno));
	unlink(backup);
	return true;
}

static const struct {
	const char *name;
	bool (*set)(const char *ifname, uint32_t ifindex, const char *servers,
		    const char *search);
	bool (*unset)(const char *ifname, uint32_t ifindex);
} methods[] = {
	{ "resolved", set_resolved, unset_resolved },
	{ "resolvconf", set_resolvconf, unset_resolvconf },
	{ "resolv.conf", set_file, unset_file },
	{ }
};

/**
 * dns_method() - what this host's name servers are set with
 *
 * Return: "resolved", "resolvconf" or "resolv.conf".
 */
const char *dns_method(void)
{
	if (resolved_runs())
		return "resolved";
	return find_resolvconf() ? "resolvconf" : "resolv.conf";
}

/**
 * dns_set() - have all names asked of a tunnel's name servers
 * @method: of dns_method(); the same for each change of a tunnel
 * @ifname: the tunnel's link
 * @ifindex: its index
 * @servers: addresses, with a space between
 * @search: domains, with a space between
 *
 * What was set for the link before is replaced.
 *
 * Return: whether it worked; if not, the user has been told.
 */
bool dns_set(const char *method, const char *ifname, uint32_t ifindex, const char *servers,
	     const char *search)
{
	size_t i;

	for (i = 0; methods[i].name; i++)
		if (!strcmp(methods[i].name, method))
			return methods[i].set(ifname, ifindex, servers, search);
	return fail("DNS: '%s' is not known", method);
}

/**
 * dns_unset() - undo that
 * @method: as for dns_set()
 * @ifname: the tunnel's link
 * @ifindex: its index, 0 if it is gone
 *
 * Return: whether it is as before; if not, the user has been told.
 */
bool dns_unset(const char *method, const char *ifname, uint32_t ifindex)
{
	size_t i;

	for (i = 0; methods[i].name; i++)
		if (!strcmp(methods[i].name, method))
			return methods[i].unset(ifname, ifindex);
	return fail("DNS: '%s' is not known", method);
}

/**
 * dns_is_left() - whether name servers of a tunnel are set on this host's disk
 * @ifname: the tunnel's link
 *
 * Of all that "up" does, this alone outlives a restart of the machine.
 *
 * Return: whether they are.
 */
bool dns_is_left(const char *ifname)
{
	char *now = slurp(RESOLV_CONF);
	bool ours = is_ours(now, ifname);

	free(now);
	return ours;
}

/**
 * dns_put_back() - put back what was there before them
 * @ifname: the tunnel's link
 *
 * Return: whether it is as before; if not, the user has been told.
 */
bool dns_put_back(const char *ifname)
{
	return unset_file(ifname, 0);
}
