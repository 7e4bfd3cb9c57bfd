// A child that says with which flags it runs, and ends.
process.send?.(process.execArgv, () => process.disconnect());
