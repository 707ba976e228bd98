/* SPDX-License-Identifier: GPL-2.0 */
/* What the fuzzers of toyvpnctl share: the tool as a function, with a kernel that is a model. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "../../tools/device.h"

/* The only interface that there is, and the only file, which is by two names. */
#define FUZZ_IFNAME	"vpn0"
#define FUZZ_FILE	"file"
#define FUZZ_CONF	"/etc/toyvpn/vpn0.conf"

/* The hash of a password, as far as it can be seen */
#define FUZZ_HASH	"$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA"

/* Ends the fuzzer, which then keeps the input, if something that has to hold does not. */
#define must(what) do {								\
	if (!(what))								\
		fuzz_broken(__FILE__, __LINE__, #what);				\
} while (0)

/**
 * struct text - bytes that grow; a zero byte follows them
 * @data: the bytes
 * @len: how many
 */
struct text {
	char *data;
	size_t len;
};

/**
 * struct outcome - what one run of the tool came to
 * @good: its exit status is 0
 * @out: stdout
 * @err: stderr
 * @errors: lines of it that are no warnings
 * @changed: the kernel was told to change something
 */
struct outcome {
	bool good;
	struct text out;
	struct text err;
	unsigned int errors;
	bool changed;
};

void text_add(struct text *text, const void *data, size_t len);
void text_free(struct text *text);

void fuzz_broken(const char *in, int line, const char *what);
FILE *fuzz_fopen(const char *path, const char *mode);
void fuzz_file(const void *data, size_t len);
void fuzz_mute(bool mute);
struct outcome fuzz_run(const char * const words[]);
void outcome_check(const struct outcome *outcome);
void outcome_free(struct outcome *outcome);

void fuzz_device_clear(struct device *dev);
void fuzz_device_copy(struct device *to, const struct device *from);
bool fuzz_device_equal(const struct device *one, const struct device *other);
extern struct device fuzz_kernel;

/* What nft prints */
extern const char *fuzz_tables;
/* What people type, and keep in the only file. */
extern const char *fuzz_password;

void fuzz_machine_open(void);
bool fuzz_machine_has(const char *path);
void fuzz_machine_clear(void);
bool fuzz_machine_is_clean(void);
void fuzz_tunnel(void);
void fuzz_up(void);
const char *fuzz_records(void);
void fuzz_write(const char *path, const void *data, size_t len);
void fuzz_read(const char *path, struct text *text);
void fuzz_datagram(const void *data, size_t len);

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
