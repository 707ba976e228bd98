/* SPDX-License-Identifier: GPL-2.0 */
/* Reads the model from the kernel. */
#ifndef FETCH_H
#define FETCH_H

#include <stdbool.h>
#include <stddef.h>

struct device;
struct genl;
struct nlattr;

int fetch_peer_attr(const struct nlattr *attr, void *data);
bool fetch_device(struct genl *genl, const char *ifname, struct device *dev);
bool fetch_peers(struct genl *genl, struct device *dev);
bool fetch_all_devices(struct genl *genl, struct device **devs, size_t *n);

#endif
