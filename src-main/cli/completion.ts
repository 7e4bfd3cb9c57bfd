import type { Command } from 'commander';

/** Shell completion, made from the commands themselves, so that it cannot fall behind them. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Entry {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly string[];
  /** Of a group; empty for a command. */
  readonly commands: readonly Entry[];
}

export function completionScript(program: Command, shell: Shell): string {
  const common = flagsOf(program);
  const entryOf = (c: Command): Entry => ({ name: c.name(), about: c.summary() || c.description(), flags: [...flagsOf(c), ...common], commands: c.commands.map(entryOf) });
  const entries = program.commands.map(entryOf);
  return { bash, zsh, fish }[shell](entries);
}

const flagsOf = (command: Command): string[] => command.options.flatMap((o) => (o.long === undefined ? [] : [o.long])).concat('--help');

const bash = (entries: readonly Entry[]): string => `# eval "$(omninode completion bash)"
_omninode() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${entries.map((e) => e.name).join(' ')}" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}:\${COMP_WORDS[2]}" in
${entries.flatMap((e) => [...e.commands.map((sub) => bashCase(`${e.name}:${sub.name}`, sub.flags)), bashCase(`${e.name}:*`, [...e.commands.map(({ name }) => name), ...e.flags])]).join('\n')}
  esac
}
complete -o default -F _omninode omninode
`;

const bashCase = (pattern: string, words: readonly string[]): string => `    ${pattern}) COMPREPLY=($(compgen -W "${words.join(' ')}" -- "$word")) ;;`;

const zsh = (entries: readonly Entry[]): string => `# eval "$(omninode completion zsh)"
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bash(entries).split('\n').slice(1).join('\n')}`;

const fish = (entries: readonly Entry[]): string => [
  '# omninode completion fish | source',
  ...entries.map((e) => `complete -c omninode -n __fish_use_subcommand -a ${e.name} -d '${e.about.replaceAll("'", '')}'`),
  ...entries.flatMap((e) => e.commands.map((sub) => `complete -c omninode -n '__fish_seen_subcommand_from ${e.name}' -a ${sub.name} -d '${sub.about.replaceAll("'", '')}'`)),
  ...entries.flatMap((e) => e.commands.flatMap((sub) => sub.flags.map((f) => `complete -c omninode -n '__fish_seen_subcommand_from ${e.name}; and __fish_seen_subcommand_from ${sub.name}' -l ${f.slice(2)}`))),
  ...entries.flatMap((e) => e.flags.map((f) => `complete -c omninode -n '__fish_seen_subcommand_from ${e.name}' -l ${f.slice(2)}`)),
  '',
].join('\n');
