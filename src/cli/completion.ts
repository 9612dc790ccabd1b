/** `synapse-otp completion`: a script with which a shell completes the words of this program. */

import { type Command, isSet } from "./command.ts";

const bash = `# In ~/.bashrc: eval "$(synapse-otp completion bash)"
_synapse_otp() {
  local line
  COMPREPLY=()
  while IFS= read -r line; do
    if [ "$line" = ":files" ]; then compopt -o default; COMPREPLY=(); return; fi
    COMPREPLY+=("\${line%%$'\\t'*}")
  done < <("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _synapse_otp synapse-otp synapse`;

const zsh = `# In ~/.zshrc, after compinit: eval "$(synapse-otp completion zsh)"
_synapse_otp() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ "$line" == ":files" ]]; then _files; return; fi
    found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
  done < <("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  _describe "synapse-otp" found
}
compdef _synapse_otp synapse-otp synapse`;

const fish = `# In ~/.config/fish/config.fish: synapse-otp completion fish | source
function __synapse_otp
  set -l words (commandline -opc) (commandline -ct)
  for line in ($words[1] complete -- $words[2..-1] 2>/dev/null)
    if test "$line" = ":files"
      __fish_complete_path (commandline -ct)
    else
      echo $line
    end
  end
end
complete -c synapse-otp -f -a "(__synapse_otp)"
complete -c synapse -f -a "(__synapse_otp)"`;

const scripts: Readonly<Record<string, string>> = { bash, zsh, fish };

/** The command. */
export const completionCommand: Command = {
  name: "completion",
  summary: "write a script with which a shell completes commands, options and agents",
  details: `Writes a script for bash, zsh or fish. Its first line says where it belongs. With it
the tab key completes commands, options, files, and the names of running systems and
their agents.`,
  arguments: [{ name: "shell", summary: "bash, zsh or fish", choices: Object.keys(scripts) }],
  options: [{ flags: "--json", summary: "one JSON object: shell, script" }],
  examples: ["synapse-otp completion bash", "synapse-otp completion fish | source"],
  run(words, { out }) {
    const shell = words.arguments[0] ?? "";
    const script = scripts[shell] ?? "";
    out(isSet(words, "json") ? JSON.stringify({ shell, script }) : script);
    return Promise.resolve(0);
  },
};
