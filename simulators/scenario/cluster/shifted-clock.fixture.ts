/** Loaded before a process (`--import`): its wall clock goes wrong by so many milliseconds. */
const shiftMs = Number(process.env['QUANTRAC_TEST_CLOCK_SHIFT_MS'] ?? '0');
const now = Date.now.bind(Date);
Date.now = () => now() + shiftMs;
