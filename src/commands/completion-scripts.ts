import type { Completed, Value } from './completion.ts';

/** The script that makes a shell complete `referry`. */
export function completionScript(shell: 'bash' | 'zsh' | 'fish', commands: readonly Completed[]): string {
  if (shell === 'bash') return bash(commands);
  return shell === 'zsh' ? zsh(commands) : fish(commands);
}

/** `--jobs` before the cursor says where the job files are; the word itself is completed only once. */
const BASH_VALUES: Readonly<Record<Value, string>> = {
  job: 'COMPREPLY=($(compgen -W "$(_referry_jobs)" -- "$cur"))',
  file: 'compopt -o default; COMPREPLY=($(compgen -f -- "$cur"))',
  folder: 'compopt -o default; COMPREPLY=($(compgen -d -- "$cur"))',
  shell: 'COMPREPLY=($(compgen -W "bash zsh fish" -- "$cur"))',
  other: 'COMPREPLY=()',
};

function bash(commands: readonly Completed[]): string {
  const takers = new Map<string, Value>();
  for (const { options } of commands)
    for (const { name, value } of options) if (value !== undefined && !takers.has(name)) takers.set(name, value);
  const values = [...takers].map(([name, value]) => `    ${name}) ${BASH_VALUES[value]}; return ;;`);
  const cases = commands.map(({ name, options, argument }) => {
    const words = [...options.map((option) => option.name), '--help'].join(' ');
    const rest = argument === undefined ? BASH_VALUES.other : BASH_VALUES[argument];
    return `    ${name})\n      if [[ $cur == -* ]]; then COMPREPLY=($(compgen -W "${words}" -- "$cur")); else ${rest}; fi ;;`;
  });
  return `# Completion of referry in bash.
_referry_jobs() {
  local i folder=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    [[ \${COMP_WORDS[i]} == --jobs ]] && folder=(--jobs "\${COMP_WORDS[i + 1]}")
  done
  referry "\${folder[@]}" completion jobs 2>/dev/null
}
_referry() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      --jobs | --state) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $prev in
${values.join('\n')}
  esac
  case $command in
    '') COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(' ')} --jobs --state --version --help" -- "$cur")) ;;
${cases.join('\n')}
  esac
}
complete -F _referry referry
`;
}

const ZSH_VALUES: Readonly<Record<Value, string>> = {
  job: 'job:_referry_jobs',
  file: 'file:_files',
  folder: 'folder:_files -/',
  shell: 'shell:(bash zsh fish)',
  other: 'value: ',
};

/** As it may stand in single quotes, with what _arguments reads as its own. */
const quoted = (text: string): string => text.replaceAll("'", "'\\''").replace(/[[\]:]/g, '\\$&');

function zsh(commands: readonly Completed[]): string {
  const cases = commands.map(({ name, options, argument }) => {
    const specs = options.map((option) => {
      const value = option.value === undefined ? '' : `:${ZSH_VALUES[option.value]}`;
      return `'${option.name}[${quoted(option.description)}]${value}'`;
    });
    const rest = argument === undefined ? [] : [`'*:${ZSH_VALUES[argument]}'`];
    return `    ${name}) _arguments ${[...specs, "'--help[how it is used]'", ...rest].join(' ')} ;;`;
  });
  const list = commands.map(({ name, description }) => `    '${name}:${quoted(description)}'`);
  return `#compdef referry
_referry_jobs() { local -a jobs; jobs=(\${(f)"$(referry completion jobs 2>/dev/null)"}); compadd -a jobs }
_referry() {
  local -a commands
  commands=(
${list.join('\n')}
  )
  if ((CURRENT == 2)); then _describe command commands; return; fi
  local command=$words[2]
  shift words; ((CURRENT--))
  case $command in
${cases.join('\n')}
  esac
}
compdef _referry referry
`;
}

function fish(commands: readonly Completed[]): string {
  const text = (words: string): string => `'${words.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = commands.flatMap(({ name, description, options, argument }) => {
    const when = `'__fish_seen_subcommand_from ${name}'`;
    const values = (value: Value): string =>
      ({
        job: "-f -a '(referry completion jobs 2>/dev/null)'",
        file: '-F',
        folder: '-F',
        shell: "-f -a 'bash zsh fish'",
        other: '-f',
      })[value];
    return [
      `complete -c referry -n __fish_use_subcommand -f -a ${name} -d ${text(description)}`,
      ...options.map((option) => {
        const value = option.value === undefined ? '' : ` -r ${values(option.value)}`;
        return `complete -c referry -n ${when} -l ${option.name.slice(2)} -d ${text(option.description)}${value}`;
      }),
      ...(argument === undefined ? [] : [`complete -c referry -n ${when} ${values(argument)}`]),
    ];
  });
  return `# Completion of referry in fish.\n${lines.join('\n')}\n`;
}
