/* SPDX-License-Identifier: GPL-2.0 */
/* The subcommands: each gets its own name and the words after it, and returns whether it worked. */
#ifndef COMMANDS_H
#define COMMANDS_H

#include <stdbool.h>

/* Exit status of a command that worked, 0 unless it has more to say. */
extern int exit_status;

bool cmd_show(int argc, char *argv[]);
bool cmd_showconf(int argc, char *argv[]);
bool cmd_set(int argc, char *argv[]);
bool cmd_setconf(int argc, char *argv[]);
bool cmd_addconf(int argc, char *argv[]);
bool cmd_syncconf(int argc, char *argv[]);
bool cmd_genkey(int argc, char *argv[]);
bool cmd_genpsk(int argc, char *argv[]);
bool cmd_pubkey(int argc, char *argv[]);
bool cmd_up(int argc, char *argv[]);
bool cmd_down(int argc, char *argv[]);
bool cmd_reload(int argc, char *argv[]);
bool cmd_status(int argc, char *argv[]);
bool cmd_monitor(int argc, char *argv[]);
bool cmd_serve(int argc, char *argv[]);
bool cmd_client(int argc, char *argv[]);
bool cmd_lease(int argc, char *argv[]);
bool cmd_user(int argc, char *argv[]);
bool cmd_help(int argc, char *argv[]);

#endif
