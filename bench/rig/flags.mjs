// Parses a command line: `run.mjs micro http --quick --rounds=3`.

/** Returns the positional names and the flags: `--quick` is true, `--rounds=3` is '3'. */
export function readFlags(words = process.argv.slice(2)) {
  const names = words.filter((word) => !word.startsWith('--'));
  const flags = Object.fromEntries(
    words
      .filter((word) => word.startsWith('--'))
      .map((word) => {
        const [name, value = true] = word.slice(2).split('=', 2);
        return [name, value];
      }),
  );
  return { names, flags, quick: flags.quick === true, load: readLoad(flags.load) };
}

/** How many cores are to be kept busy beside the measurement: none, one for `--load`, so many for `--load=2`. */
function readLoad(value) {
  if (value === undefined) return 0;
  const cores = value === true ? 1 : Number(value);
  if (Number.isInteger(cores) && cores >= 0) return cores;
  throw new Error(`--load is a number of cores, and not ${value}`);
}

/** The number of a flag, or its default: the first for a full run, the second for `--quick`. */
export function count({ flags, quick }, name, usual, quickly) {
  if (flags[name] !== undefined) return Number(flags[name]);
  return quick ? quickly : usual;
}
