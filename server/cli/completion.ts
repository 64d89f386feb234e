import { type Command, commonOptions, UsageError } from './command.ts'

/** Prints completions of the commands and their options for a shell. */
export function completion(commands: (Command & { name: string; summary: string })[]): Command {
  const optionsOf = ({ options }: Command) =>
    Object.keys({ ...options, ...commonOptions }).map((name) => `--${name}`)
  const scripts: Record<string, () => string> = {
    bash: () => `_gabee() {
  local words
  case "\${COMP_WORDS[1]}" in
${commands.map((command) => `    ${command.name}) words="${optionsOf(command).join(' ')}" ;;`).join('\n')}
  esac
  [ "$COMP_CWORD" -eq 1 ] && words="${commands.map(({ name }) => name).join(' ')}"
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gabee gabee`,
    zsh: () => `autoload -Uz bashcompinit && bashcompinit
${scripts['bash']?.()}`,
    fish: () =>
      commands
        .flatMap((command) => [
          `complete -c gabee -n __fish_use_subcommand -a ${command.name} -d '${command.summary}'`,
          ...optionsOf(command).map(
            (option) =>
              `complete -c gabee -n '__fish_seen_subcommand_from ${command.name}' -l ${option.slice(2)}`,
          ),
        ])
        .join('\n'),
  }
  return {
    usage: 'bash|zsh|fish',
    positionals: [1, 1],
    details: `  gabee completion bash > ~/.local/share/bash-completion/completions/gabee
  gabee completion zsh >> ~/.zshrc
  gabee completion fish > ~/.config/fish/completions/gabee.fish`,
    async run({ terminal, positionals: [shell = ''] }) {
      const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined
      if (script === undefined) throw new UsageError(`Unknown shell ${shell}.`)
      terminal.write(`${script()}\n`)
      return 0
    },
  }
}
