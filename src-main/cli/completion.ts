import type { Command } from 'commander';

/** Shell completion, made from the commands themselves, so that it cannot fall behind them. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Entry {
  readonly name: string;
  readonly about: string;
  readonly flags: readonly string[];
}

export function completionScript(program: Command, shell: Shell): string {
  const common = flagsOf(program);
  const entries = program.commands.map((c) => ({ name: c.name(), about: c.summary() || c.description(), flags: [...flagsOf(c), ...common] }));
  return { bash, zsh, fish }[shell](entries);
}

const flagsOf = (command: Command): string[] => command.options.flatMap((o) => (o.long === undefined ? [] : [o.long])).concat('--help');

const bash = (entries: readonly Entry[]): string => `# eval "$(omninode completion bash)"
_omninode() {
  local word="\${COMP_WORDS[COMP_CWORD]}"
  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${entries.map((e) => e.name).join(' ')}" -- "$word")); return; fi
  case "\${COMP_WORDS[1]}" in
${entries.map((e) => `    ${e.name}) COMPREPLY=($(compgen -W "${e.flags.join(' ')}" -- "$word")) ;;`).join('\n')}
  esac
}
complete -o default -F _omninode omninode
`;

const zsh = (entries: readonly Entry[]): string => `# eval "$(omninode completion zsh)"
autoload -U +X compinit && compinit -u
autoload -U +X bashcompinit && bashcompinit
${bash(entries).split('\n').slice(1).join('\n')}`;

const fish = (entries: readonly Entry[]): string => [
  '# omninode completion fish | source',
  ...entries.map((e) => `complete -c omninode -n __fish_use_subcommand -a ${e.name} -d '${e.about.replaceAll("'", '')}'`),
  ...entries.flatMap((e) => e.flags.map((f) => `complete -c omninode -n '__fish_seen_subcommand_from ${e.name}' -l ${f.slice(2)}`)),
  '',
].join('\n');
