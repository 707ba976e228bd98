// SPDX-License-Identifier: GPL-2.0
#include <linux/bits.h>
#include <linux/bitops.h>
#include <linux/minmax.h>
#include <linux/string.h>

#include "replay.h"

#define REPLAY_WORDS	(TOYVPN_REPLAY_BITS / BITS_PER_LONG)

static unsigned int word_of(u64 counter)
{
	return (counter / BITS_PER_LONG) % REPLAY_WORDS;
}

/**
 * toyvpn_replay_init() - an empty window
 * @replay: the window, not yet visible to others
 */
void toyvpn_replay_init(struct toyvpn_replay *replay)
{
	spin_lock_init(&replay->lock);
	replay->next = 0;
	memset(replay->bits, 0, sizeof(replay->bits));
}

/**
 * toyvpn_replay_check() - whether a counter may be new
 * @replay: the window
 * @counter: of a message that is not authenticated yet
 *
 * Saves the decryption of what was seen before. Takes no lock, so its yes is
 * no promise: toyvpn_replay_mark() decides. Any context.
 *
 * Return: false if the counter was marked or lies behind the window.
 */
bool toyvpn_replay_check(const struct toyvpn_replay *replay, u64 counter)
{
	u64 next = READ_ONCE(replay->next);

	if (counter >= next)
		return true;
	if (next - counter > TOYVPN_REPLAY_WINDOW)
		return false;
	return !(READ_ONCE(replay->bits[word_of(counter)]) & BIT_MASK(counter));
}

/**
 * toyvpn_replay_mark() - takes a counter as received
 * @replay: the window
 * @counter: of a message that authenticated
 *
 * The window is a ring of words (RFC 6479): it moves by clearing the words
 * that it enters. Takes the window's lock; bottom halves must be off.
 *
 * Return: whether the message is new.
 */
enum toyvpn_replay_verdict toyvpn_replay_mark(struct toyvpn_replay *replay, u64 counter)
{
	enum toyvpn_replay_verdict verdict = TOYVPN_REPLAY_SEEN;
	u64 first, last, i;

	spin_lock(&replay->lock);

	if (counter >= replay->next) {
		/* The word of the highest counter so far stays as it is */
		first = replay->next ? (replay->next - 1) / BITS_PER_LONG + 1 : 0;
		last = counter / BITS_PER_LONG;
		if (last >= first && last - first >= REPLAY_WORDS)
			first = last - REPLAY_WORDS + 1;
		for (i = first; i <= last; i++)
			WRITE_ONCE(replay->bits[i % REPLAY_WORDS], 0);
		WRITE_ONCE(replay->next, counter + 1);
		verdict = TOYVPN_REPLAY_HIGHEST;
	} else if (replay->next - counter <= TOYVPN_REPLAY_WINDOW &&
		   !(replay->bits[word_of(counter)] & BIT_MASK(counter))) {
		verdict = TOYVPN_REPLAY_NEW;
	}
	if (verdict != TOYVPN_REPLAY_SEEN) {
		unsigned long *word = &replay->bits[word_of(counter)];

		WRITE_ONCE(*word, *word | BIT_MASK(counter));
	}

	spin_unlock(&replay->lock);
	return verdict;
}
