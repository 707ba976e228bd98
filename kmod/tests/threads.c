// SPDX-License-Identifier: GPL-2.0
#include <linux/completion.h>
#include <linux/kthread.h>

#include "tests.h"

#define THREADS_MAX	8

struct crowd {
	void (*fn)(void *arg);
	void *arg;
	struct completion go;
	struct completion done;
};

static int one_of_a_crowd(void *data)
{
	struct crowd *crowd = data;

	wait_for_completion(&crowd->go);
	crowd->fn(crowd->arg);
	complete(&crowd->done);

	/* Who stops us knows then that we have left the module */
	set_current_state(TASK_INTERRUPTIBLE);
	while (!kthread_should_stop()) {
		schedule();
		set_current_state(TASK_INTERRUPTIBLE);
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/**
 * toyvpn_test_threads() - runs a function in several threads at the same time
 * @test: fails if there are fewer threads than asked for
 * @n: how many, up to 8
 * @fn: the function
 * @arg: its argument
 *
 * Process context. Returns when all of them have ended.
 */
void toyvpn_test_threads(struct kunit *test, unsigned int n, void (*fn)(void *arg), void *arg)
{
	struct crowd crowd = { .fn = fn, .arg = arg };
	struct task_struct *tasks[THREADS_MAX];
	unsigned int i, made;

	init_completion(&crowd.go);
	init_completion(&crowd.done);
	for (made = 0; made < n; made++) {
		tasks[made] = kthread_run(one_of_a_crowd, &crowd, "toyvpn_test/%u", made);
		if (IS_ERR(tasks[made]))
			break;
	}
	KUNIT_EXPECT_EQ(test, made, n);
	complete_all(&crowd.go);
	for (i = 0; i < made; i++)
		wait_for_completion(&crowd.done);
	while (made--)
		kthread_stop(tasks[made]);
}
