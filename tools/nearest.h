/* SPDX-License-Identifier: GPL-2.0 */
/* Of the words that are known, the one that is nearest to a mistyped one. */
#ifndef NEAREST_H
#define NEAREST_H

#include <limits.h>

/**
 * struct nearest - a search for the nearest word
 * @wanted: what was typed
 * @word: the nearest so far; NULL if none was tried
 * @distance: how many letters are other ones
 */
struct nearest {
	const char *wanted;
	const char *word;
	unsigned int distance;
};

void nearest_begin(struct nearest *nearest, const char *wanted);
void nearest_try(struct nearest *nearest, const char *word);

#endif
