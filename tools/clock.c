// SPDX-License-Identifier: GPL-2.0
#include "clock.h"

/**
 * clock_ms() - read one of the kernel's clocks
 * @clock: which; CLOCK_BOOTTIME for what goes on while the machine is suspended
 *
 * Return: its time, ms.
 */
uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}
