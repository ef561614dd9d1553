--- `:FimLsp`: one verb a function.
local M = {}

local function tell(lines)
  vim.notify('fim-lsp: ' .. (type(lines) == 'table' and table.concat(lines, '\n') or lines))
end

---@type table<string, { words: (fun(): string[])|nil, run: fun(word: string?) }>
local VERBS = {
  status = {
    run = function()
      require('fim_lsp.window').open('fim-lsp', require('fim_lsp.status').describe())
    end,
  },
  explain = {
    run = function()
      require('fim_lsp.explain').last()
    end,
  },
  compare = {
    run = function()
      require('fim_lsp.compare').here()
    end,
  },
  log = {
    run = function()
      vim.cmd.tabedit(vim.fn.fnameescape(require('fim_lsp.command').log_path()))
      vim.bo.readonly, vim.bo.autoread = true, true
      vim.cmd.normal({ 'G', bang = true })
    end,
  },
  restart = {
    run = function()
      require('fim_lsp.server').restart()
    end,
  },
  toggle = {
    words = function()
      return { 'buffer', 'language', 'all' }
    end,
    run = function(scope)
      require('fim_lsp').toggle(scope)
    end,
  },
  backend = {
    words = function()
      return M.backends()
    end,
    run = function(name)
      if not name then
        tell('backend is ' .. require('fim_lsp.config').setting('backend'))
        return
      end
      require('fim_lsp.server').set('backend', name)
      tell('backend is now ' .. name)
    end,
  },
}

---@return string[]
function M.backends()
  for _, setting in ipairs(require('fim_lsp.settings')) do
    if setting.key == 'backend' then
      return setting.enum
    end
  end
  return {}
end

---@param words string[] what stands after :FimLsp
function M.run(words)
  local verb = VERBS[words[1] or 'status']
  if not verb then
    vim.notify(('fim-lsp: no command %q; there are %s'):format(words[1], table.concat(M.verbs(), ', ')), vim.log.levels.ERROR)
  elseif words[2] and not (verb.words and vim.list_contains(verb.words(), words[2])) then
    local allowed = verb.words and table.concat(verb.words(), ', ') or 'nothing'
    vim.notify(('fim-lsp: %s takes %s, not %q'):format(words[1], allowed, words[2]), vim.log.levels.ERROR)
  else
    verb.run(words[2])
  end
end

---@return string[]
function M.verbs()
  local verbs = vim.tbl_keys(VERBS)
  table.sort(verbs)
  return verbs
end

---@param lead string the word being typed
---@param line string the whole command line
---@return string[]
function M.complete(lead, line)
  local verb = VERBS[line:match('^%s*FimLsp%s+(%S+)%s')]
  local words = verb and (verb.words and verb.words() or {}) or M.verbs()
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

return M
