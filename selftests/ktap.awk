#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
# Counts the results in a report of run.sh, which are those one level below the stories, and closes
# it with one line. Fails if a test failed, if there was none, or if a story of the plan is missing.

/^1\.\.[0-9]+$/		{ plan = substr($0, 4) }
/^(not )?ok /		{ stories++ }
/^not ok /		{ failed += !inner }
/^(not )?ok /		{ inner = 0 }
/^  ok .*# SKIP/	{ skipped++; next }
/^  ok /		{ passed++ }
/^  not ok /		{ failed++; inner++ }

END {
	if (stories != plan) {
		printf "# %d of %d stories have ended\n", stories, plan
		failed++
	}
	printf "%d passed, %d failed", passed, failed
	if (skipped)
		printf ", %d skipped", skipped
	print ""
	exit failed || !passed
}
