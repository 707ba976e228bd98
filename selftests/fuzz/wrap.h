/* SPDX-License-Identifier: GPL-2.0 */
/* What the linker puts in the place of functions of the tool and of the C library. */
#ifndef WRAP_H
#define WRAP_H

#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "../../tools/password.h"
#include "../../tools/sysctl.h"
#include "../../tools/users.h"
#include "../../tools/watch.h"

struct authorizer;
struct device;
struct events;
struct genl;
struct mnl_socket;
struct nlattr;
struct server;
struct verifier;

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **found);
int __real_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
		       struct addrinfo **found);

struct genl *__wrap_genl_open(void);
void __wrap_genl_close(struct genl *genl);
bool __wrap_fetch_device(struct genl *genl, const char *ifname, struct device *dev);
bool __wrap_fetch_peers(struct genl *genl, struct device *dev);
bool __wrap_fetch_all_devices(struct genl *genl, struct device **devs, size_t *n);
bool __wrap_apply(struct genl *genl, const struct device *now, const struct device *want);
void __wrap_note(const char *fmt, ...);

bool __real_fetch_device(struct genl *genl, const char *ifname, struct device *dev);
bool __real_fetch_peers(struct genl *genl, struct device *dev);
bool __real_fetch_all_devices(struct genl *genl, struct device **devs, size_t *n);

unsigned int __wrap_if_nametoindex(const char *ifname);
bool __wrap_rtnl_open(struct rtnl *rtnl);
bool __wrap_rtnl_link_get(struct rtnl *rtnl, const char *ifname, struct rtnl_link *link);
bool __wrap_rtnl_link_add(struct rtnl *rtnl, const char *ifname);
bool __wrap_rtnl_link_del(struct rtnl *rtnl, uint32_t ifindex);
bool __wrap_rtnl_link_up(struct rtnl *rtnl, uint32_t ifindex, uint32_t mtu);
bool __wrap_rtnl_address_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address);
bool __wrap_rtnl_address_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *address);
bool __wrap_rtnl_route_add(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
			   uint32_t table);
bool __wrap_rtnl_route_del(struct rtnl *rtnl, uint32_t ifindex, const struct allowed_ip *to,
			   uint32_t table);
bool __wrap_rtnl_path_to(struct rtnl *rtnl, const union endpoint *endpoint, uint32_t mark,
			 struct rtnl_path *path);
bool __wrap_rtnl_table_is_free(struct rtnl *rtnl, uint32_t table);
bool __real_rtnl_link_get(struct rtnl *rtnl, const char *ifname, struct rtnl_link *link);
bool __real_rtnl_path_to(struct rtnl *rtnl, const union endpoint *endpoint, uint32_t mark,
			 struct rtnl_path *path);
bool __real_rtnl_table_is_free(struct rtnl *rtnl, uint32_t table);

bool __wrap_rtnl_rule_add(struct rtnl *rtnl, int family, uint32_t mark);
bool __wrap_rtnl_rule_del(struct rtnl *rtnl, int family, uint32_t mark);
bool __wrap_killswitch_set(const char *ifname, uint32_t mark, bool local);
bool __wrap_killswitch_unset(const char *ifname);
bool __wrap_nat_up(const char *ifname, const struct allowed_ip *clients, size_t n, const char *out);
bool __wrap_nat_down(const char *ifname);
bool __real_nat_up(const char *ifname, const struct allowed_ip *clients, size_t n, const char *out);
bool __real_nat_down(const char *ifname);
char *__wrap_nft_ask(const char *commands);
bool __wrap_nft_run(const char *commands);
bool __wrap_nft_remove_table(const char *table);
bool __wrap_sysctl_read(const char *name, char value[static SYSCTL_VALUE_SIZE]);
bool __wrap_sysctl_write(const char *name, const char *value);

ssize_t __wrap_mnl_socket_recvfrom(const struct mnl_socket *nl, void *to, size_t size);
ssize_t __wrap_recv(int fd, void *to, size_t size, int flags);
ssize_t __wrap_mnl_socket_sendto(const struct mnl_socket *nl, const void *request, size_t len);
int __wrap_mnl_socket_get_fd(const struct mnl_socket *nl);
uint16_t __wrap_mnl_attr_get_u16(const struct nlattr *attr);
uint32_t __wrap_mnl_attr_get_u32(const struct nlattr *attr);
const char *__wrap_mnl_attr_get_str(const struct nlattr *attr);
uint16_t __real_mnl_attr_get_u16(const struct nlattr *attr);
uint32_t __real_mnl_attr_get_u32(const struct nlattr *attr);
const char *__real_mnl_attr_get_str(const struct nlattr *attr);
bool __wrap_events_open(struct events *events);
int __wrap_poll(struct pollfd *fds, nfds_t n, int timeout);

pid_t __wrap_fork(void);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_sigprocmask(int how, const sigset_t *set, sigset_t *old);
int __wrap_signalfd(int fd, const sigset_t *set, int flags);
bool __wrap_resolver_start(struct resolver *resolver, const char *host, uint16_t port);
enum watch_end __wrap_watch_run(struct watch *watch);
bool __wrap_authorizer_open(struct authorizer *auth, const char *ifname, uint32_t ifindex);
int __wrap_authorizer_fd(const struct authorizer *auth);
int __wrap_verifier_fd(const struct verifier *verifier);
bool __wrap_server_open(struct server *server);

bool __wrap_password_ask(char password[static PASSWORD_SIZE], const char *prompt);
bool __wrap_password_from_file(char password[static PASSWORD_SIZE], const char *path);
bool __wrap_user_hash(char hash[static crypto_pwhash_STRBYTES], const char *password);
bool __wrap_users_add(const char *path, const struct user *user);
bool __wrap_users_replace(const char *path, const struct user *user);
bool __wrap_users_remove(const char *path, const char *name);
bool __real_password_from_file(char password[static PASSWORD_SIZE], const char *path);
bool __real_users_add(const char *path, const struct user *user);
bool __real_users_replace(const char *path, const struct user *user);
bool __real_users_remove(const char *path, const char *name);

/* main() of the tool */
int toyvpnctl_main(int argc, char *argv[]);

#endif
