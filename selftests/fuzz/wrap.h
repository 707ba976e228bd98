/* SPDX-License-Identifier: GPL-2.0 */
/* What the linker puts in the place of functions of the tool and of the C library. */
#ifndef WRAP_H
#define WRAP_H

#include <netdb.h>
#include <stdbool.h>
#include <stddef.h>

struct device;
struct genl;

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

/* main() of the tool */
int toyvpnctl_main(int argc, char *argv[]);

#endif
