// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

static char last_failure[8192] = "";

/* What the user wrote may hold line feeds, or move a terminal's cursor. */
static void make_plain(char *text)
{
	for (; *text; text++)
		if (iscntrl((unsigned char)*text))
			*text = '?';
}

/* @kind: before it; NULL: it is a failure, which is kept */
static __printf(3, 0)
void vreport(const struct place *at, const char *kind, const char *fmt, va_list args)
{
	char where[4096] = "", what[4096];
	const char *word = at ? at->word : NULL;

	/* What went to stdout before belongs before this line. */
	fflush(stdout);
	if (at && at->file)
		snprintf(where, sizeof(where), "%s:%u: ", at->file, at->line);
	vsnprintf(what, sizeof(what), fmt, args);
	make_plain(where);
	make_plain(what);
	fprintf(stderr, "toyvpnctl: %s%s%s%s%s\n", kind ? kind : "", where, word ? word : "",
		word ? ": " : "", what);
	if (!kind)
		snprintf(last_failure, sizeof(last_failure), "%s%s%s%s", where, word ? word : "",
			 word ? ": " : "", what);
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
	vreport(NULL, NULL, fmt, args);
	va_end(args);
	return false;
}

/**
 * report_last_failure() - what fail() or fail_at() has said last
 *
 * Return: the line, empty if they have said nothing; until one of them is called again.
 */
const char *report_last_failure(void)
{
	return last_failure;
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
	vreport(at, NULL, fmt, args);
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

/**
 * note() - tell the user what happened, while a command goes on
 * @fmt: the sentence, as for printf, without a newline
 */
void note(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vreport(NULL, "", fmt, args);
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
