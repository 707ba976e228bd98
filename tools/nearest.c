// SPDX-License-Identifier: GPL-2.0
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "nearest.h"

/* Longer ones are cut: no word that is known is as long. */
#define WORD_MAX	32

static unsigned int least(unsigned int a, unsigned int b)
{
	return a < b ? a : b;
}

/* How many letters to change, add or remove (Levenshtein's distance), whatever their case. */
static unsigned int distance(const char *one, const char *other)
{
	unsigned int row[WORD_MAX + 1], n = strnlen(other, WORD_MAX), i, j;

	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 0; one[i] && i < WORD_MAX; i++) {
		unsigned int corner = row[0];

		row[0] = i + 1;
		for (j = 0; j < n; j++) {
			bool same = !strncasecmp(&one[i], &other[j], 1);
			unsigned int change = corner + !same;

			corner = row[j + 1];
			row[j + 1] = least(change, least(row[j], corner) + 1);
		}
	}
	return row[n];
}

/**
 * nearest_begin() - begin a search
 * @nearest: the search
 * @wanted: what was typed, kept until the end
 */
void nearest_begin(struct nearest *nearest, const char *wanted)
{
	*nearest = (struct nearest){ .wanted = wanted, .distance = UINT_MAX };
}

/**
 * nearest_try() - offer a word that is known; of two that are as near, the first is kept
 * @nearest: the search
 * @word: the word, kept until the end
 */
void nearest_try(struct nearest *nearest, const char *word)
{
	unsigned int found = distance(nearest->wanted, word);

	if (found < nearest->distance) {
		nearest->distance = found;
		nearest->word = word;
	}
}
