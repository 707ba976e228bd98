/* SPDX-License-Identifier: GPL-2.0 */
/* Section 5 of PROTOCOL.md as a pure state machine: events and time in, actions out */
#ifndef TOYVPN_TIMERS_H
#define TOYVPN_TIMERS_H

#include <linux/types.h>

/**
 * struct toyvpn_timers - what a peer waits for
 * @retry_at: when to send the next INIT; 0: no handshake is under way
 * @give_up_at: when to stop trying
 * @last_init: when the last INIT was sent, 0: never
 * @keepalive_at: when to answer received data by a keepalive
 * @silence_at: when to doubt that the peer is there: data was sent, nothing came
 * @erase_at: when keys that have no successor are erased
 * @expire_at: when the session that is sent on ends, if no other one follows
 * @last_traffic: when the last authenticated packet went either way
 * @attempts: INITs sent in this handshake
 * @persistent: interval of the persistent keepalive, ns; 0: off
 *
 * Times are in ns of any clock that does not go back; 0 is never. Events of
 * the packet paths come on several CPUs at once, without a lock: each field is
 * read and written whole, and a lost update costs no more than one keepalive
 * or handshake too many.
 */
struct toyvpn_timers {
	u64 retry_at;
	u64 give_up_at;
	u64 last_init;
	u64 keepalive_at;
	u64 silence_at;
	u64 erase_at;
	u64 expire_at;
	u64 last_traffic;
	u64 persistent;
	u32 attempts;
};

enum toyvpn_timers_event {
	TOYVPN_EVENT_HANDSHAKE_WANTED,	/* there is something to send, or to renew */
	TOYVPN_EVENT_CONNECT_WANTED,	/* by the user: now, whatever was before */
	TOYVPN_EVENT_INIT_SENT,
	TOYVPN_EVENT_HANDSHAKE_ENDED,	/* refused, or its keys are gone */
	TOYVPN_EVENT_SESSION_MADE,	/* keys exist, not yet confirmed */
	TOYVPN_EVENT_SESSION_READY,	/* data may be sent on it */
	TOYVPN_EVENT_DATA_SENT,
	TOYVPN_EVENT_KEEPALIVE_SENT,
	TOYVPN_EVENT_DATA_RECEIVED,
	TOYVPN_EVENT_KEEPALIVE_RECEIVED,
	TOYVPN_EVENT_ERASED,
};

#define TOYVPN_ACTION_SEND_INIT		BIT(0)
#define TOYVPN_ACTION_SEND_KEEPALIVE	BIT(1)
#define TOYVPN_ACTION_GIVE_UP		BIT(2)
#define TOYVPN_ACTION_ERASE		BIT(3)
#define TOYVPN_ACTION_SILENCE		BIT(4)	/* the path may have changed */
#define TOYVPN_ACTION_EXPIRED		BIT(5)

u64 toyvpn_timers_event(struct toyvpn_timers *timers, enum toyvpn_timers_event event,
			u64 now, u64 jitter);
unsigned int toyvpn_timers_run(struct toyvpn_timers *timers, u64 now);
bool toyvpn_timers_init_due(const struct toyvpn_timers *timers, u64 now);
u64 toyvpn_timers_next(const struct toyvpn_timers *timers);
void toyvpn_timers_set_expiry(struct toyvpn_timers *timers, u64 at);
void toyvpn_timers_set_persistent(struct toyvpn_timers *timers, u64 interval, u64 now);

#endif /* TOYVPN_TIMERS_H */
