import { describe, expect, test } from 'vitest';
import { commandHelp, helpText } from './command-help.ts';
import { commandNames, flagsOf, parseCommand } from './command-line.ts';

const explained = commandNames.filter((name) => name !== 'version');

test('every command is in the help, and nothing else', () => {
  expect(Object.keys(commandHelp)).toEqual(explained);
  for (const name of explained) expect(helpText()).toContain(commandHelp[name]?.synopsis);
});

describe.each(explained)('the help of %s', (name) => {
  test('is asked for in three ways, whatever stands beside it', () => {
    const wanted = { name: 'help', flags: {}, arguments: [name] };
    expect(parseCommand([name, '--help'])).toEqual(wanted);
    expect(parseCommand([name, 'word', '--frob', '-h'])).toEqual(wanted);
    expect(parseCommand(['help', name]).arguments).toEqual([name]);
  });

  test('explains each of its flags, and no other', () => {
    const flags = flagsOf[name].map(([flag]) => flag);
    expect(Object.keys(commandHelp[name]?.flags ?? {}).toSorted()).toEqual(flags.toSorted());
    for (const flag of flags) expect(helpText(name)).toContain(`\n  --${flag} `);
    expect(helpText(name)).toContain('Exit codes: 0 right');
  });
});

test('a word behind -- is no flag, and the version has a flag', () => {
  expect(parseCommand(['replay', '--', '--help']).arguments).toEqual(['--help']);
  expect(parseCommand(['--version']).name).toBe('version');
  expect(parseCommand([]).name).toBe('help');
  expect(parseCommand(['-h']).name).toBe('help');
  expect(() => parseCommand(['help', 'frob'])).toThrow(/not understood/);
});
