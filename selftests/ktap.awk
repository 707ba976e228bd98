#!/usr/bin/awk -f
# SPDX-License-Identifier: GPL-2.0
# Counts the results in a report of run.sh, which are those one level below the stories, and closes
# it with one line. Fails if a test failed or if there was none.

/^  ok .*# SKIP/	{ skipped++; next }
/^  ok /		{ passed++ }
/^  not ok /		{ failed++ }

END {
	printf "%d passed, %d failed", passed, failed
	if (skipped)
		printf ", %d skipped", skipped
	print ""
	exit failed || !passed
}
