--- fim-lsp in Neovim. Every function may be mapped; those that act return true when they had something to act on,
--- so that `require('fim_lsp').accept() or something_else()` reads as it works.
local M = {}

--- Choose options (see :help fim_lsp-options); without it all of them have their defaults.
---@param options fim_lsp.Config|table|nil
function M.setup(options)
  require('fim_lsp.config').set(options)
  require('fim_lsp.boot').again()
end

---@return boolean
function M.is_visible()
  return require('fim_lsp.session').visible() ~= nil
end

---@param measure fun(text: string): integer
---@return boolean
local function take(measure)
  local suggestion = require('fim_lsp.session').visible()
  if not suggestion then
    return false
  end
  require('fim_lsp.typed').take(suggestion, measure(suggestion.text))
  return true
end

--- Take all of the suggestion.
function M.accept()
  return take(function(text)
    return #text
  end)
end

--- Take its next word; the rest stays on screen.
function M.accept_word()
  return take(require('fim_lsp.suggestion').word)
end

--- Take its next line; the rest stays on screen.
function M.accept_line()
  return take(require('fim_lsp.suggestion').line)
end

--- Show the next suggestion; asks for several when there is only one.
function M.next()
  require('fim_lsp.session').cycle(1)
  return true
end

--- Show the suggestion before.
function M.previous()
  require('fim_lsp.session').cycle(-1)
  return true
end

--- Put the suggestion away until the text changes.
---@return boolean
function M.dismiss()
  local was_visible = M.is_visible()
  require('fim_lsp.session').dismiss()
  return was_visible
end

--- Ask by hand: works where automatic suggestions are off, and brings several.
function M.trigger()
  require('fim_lsp.session').trigger()
  return true
end

--- Switch automatic suggestions off, or on again.
---@param scope? 'buffer'|'language'|'all'
function M.toggle(scope)
  vim.notify('fim-lsp: ' .. require('fim_lsp.pause').toggle(scope or 'buffer'))
  return true
end

--- For a statusline: `%{%v:lua.require'fim_lsp'.statusline()%}`.
---@return string
function M.statusline()
  return require('fim_lsp.status').line()
end

return M
