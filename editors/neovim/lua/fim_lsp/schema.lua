--- The plugin's own options; those of the server are in settings.lua. Both are checked, and told of in :help.

---@class fim_lsp.Option
---@field key string a dot is a level of nesting
---@field type string a Lua type, `string[]`, or several of them joined by `|`
---@field default any
---@field doc string

---@class fim_lsp.Keys a key each, or false for none
---@field accept string|false
---@field accept_line string|false
---@field accept_word string|false
---@field next string|false
---@field previous string|false
---@field dismiss string|false
---@field trigger string|false

---@class fim_lsp.Config
---@field cmd string|string[] '' to look for it
---@field auto_start boolean
---@field debounce_ms integer
---@field keys fim_lsp.Keys
---@field native boolean
---@field settings table<string, any> what the server is sent, nested by the dots in its keys

---@type fim_lsp.Option[]
return {
  {
    key = 'cmd',
    type = 'string|string[]',
    default = '',
    doc = "The `fim-lsp` program, or the whole command as a list. Empty looks in `$VIRTUAL_ENV`, then on `$PATH`.",
  },
  {
    key = 'auto_start',
    type = 'boolean',
    default = true,
    doc = 'Start the server with the first buffer of a language in `settings.languages`.',
  },
  {
    key = 'debounce_ms',
    type = 'integer',
    default = 30,
    doc = 'Milliseconds of quiet before the server is asked. What is typed along a suggestion never waits.',
  },
  {
    key = 'native',
    type = 'boolean',
    default = false,
    doc = "Leave the showing to Neovim's own `vim.lsp.inline_completion` (0.12 and later; not tested yet).",
  },
  {
    key = 'keys.accept',
    type = 'string|false',
    default = '<Tab>',
    doc = 'Take all of the suggestion. Without one, the key does what it did before.',
  },
  { key = 'keys.accept_line', type = 'string|false', default = '<M-l>', doc = 'Take its next line.' },
  { key = 'keys.accept_word', type = 'string|false', default = '<M-w>', doc = 'Take its next word.' },
  { key = 'keys.next', type = 'string|false', default = '<M-]>', doc = 'Show the next suggestion.' },
  { key = 'keys.previous', type = 'string|false', default = '<M-[>', doc = 'Show the one before.' },
  { key = 'keys.dismiss', type = 'string|false', default = '<C-]>', doc = 'Put the suggestion away.' },
  { key = 'keys.trigger', type = 'string|false', default = '<M-\\>', doc = 'Ask by hand, for several suggestions.' },
}
