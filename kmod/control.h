/* SPDX-License-Identifier: GPL-2.0 */
/* Does what timers.c decides, and what arrives for the handshake */
#ifndef TOYVPN_CONTROL_H
#define TOYVPN_CONTROL_H

#include <linux/workqueue.h>

void toyvpn_control_peer(struct work_struct *work);
void toyvpn_control_handshakes(struct work_struct *work);

#endif /* TOYVPN_CONTROL_H */
