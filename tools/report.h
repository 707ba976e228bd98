/* SPDX-License-Identifier: GPL-2.0 */
/* Words to the user on stderr, and memory that is there or ends the program. */
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

#define __printf(fmt, args) __attribute__((format(printf, fmt, args)))
#define __alias(name) __attribute__((alias(#name)))
#define __noreturn __attribute__((noreturn))
#define __aligned(size) __attribute__((aligned(size)))

/**
 * struct place - where a word of the user's stands
 * @file: name of the configuration file, NULL for the command line
 * @line: line in that file
 * @word: the word or key that is being read, or NULL
 */
struct place {
	const char *file;
	unsigned int line;
	const char *word;
};

__printf(1, 2) bool fail(const char *fmt, ...);
__printf(2, 3) bool fail_at(const struct place *at, const char *fmt, ...);
__printf(1, 2) void warn(const char *fmt, ...);
__printf(1, 2) void note(const char *fmt, ...);
const char *report_last_failure(void);

void *xrealloc(void *old, size_t n, size_t size);
void *xzalloc(size_t size);
char *xstrndup(const char *text, size_t len);

#endif
