// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static __printf(3, 0)
void vreport(const struct place *at, const char *kind, const char *fmt, va_list args)
{
	/* What went to stdout before belongs before this line. */
	fflush(stdout);
	fprintf(stderr, "toyvpnctl: %s", kind);
	if (at && at->file)
		fprintf(stderr, "%s:%u: ", at->file, at->line);
	if (at && at->word)
		fprintf(stderr, "%s: ", at->word);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
}

/**
 * fail() - say in one line why the command cannot be done
 * @fmt: the sentence, as for printf, without a newline
 *
 * Return: false, so that a caller can end with it.
 */
bool fail(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(NULL, "", fmt, args);
	va_end(args);
	return false;
}

/**
 * fail_at() - say in one line what is wrong with a word
 * @at: where the word stands
 * @fmt: the sentence, as for printf, without a newline
 *
 * Return: false, so that a caller can end with it.
 */
bool fail_at(const struct place *at, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(at, "", fmt, args);
	va_end(args);
	return false;
}

/**
 * warn() - tell the user something that does not stop the command
 * @fmt: the sentence, as for printf, without a newline
 */
void warn(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(NULL, "warning: ", fmt, args);
	va_end(args);
}

static void *there(void *memory)
{
	if (!memory) {
		fail("out of memory");
		exit(EXIT_FAILURE);
	}
	return memory;
}

/**
 * xrealloc() - change the size of an array, or exit
 * @old: the array, or NULL
 * @n: entries that it shall have, not 0
 * @size: size of an entry
 *
 * Not for secrets: the old memory is not wiped.
 *
 * Return: the array, the caller's to free.
 */
void *xrealloc(void *old, size_t n, size_t size)
{
	return there(reallocarray(old, n, size));
}

/**
 * xzalloc() - get zeroed memory, or exit
 * @size: bytes, not 0
 *
 * Return: the memory, the caller's to free.
 */
void *xzalloc(size_t size)
{
	return there(calloc(1, size));
}

/**
 * xstrndup() - copy text, or exit
 * @text: the text
 * @len: the most characters to copy
 *
 * Return: the copy, the caller's to free.
 */
char *xstrndup(const char *text, size_t len)
{
	return there(strndup(text, len));
}
