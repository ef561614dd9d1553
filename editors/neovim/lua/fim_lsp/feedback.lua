--- Tell the server what becomes of its suggestions: for `fim-lsp stats`, where everything stays on this machine.
local M = {}

local SHOWN = 'textDocument/didShowCompletion'
local PARTLY = 'textDocument/didPartiallyAcceptCompletion'

---@param suggestion fim_lsp.Suggestion
function M.shown(suggestion)
  local client = require('fim_lsp.server').client()
  if client and suggestion.item then
    client:notify(SHOWN, { item = suggestion.item })
  end
end

--- Tell what is left of a suggestion of which the beginning was just put in; nil: nothing.
---@param suggestion fim_lsp.Suggestion
---@param left? fim_lsp.Suggestion
function M.accepted(suggestion, left)
  local client, item = require('fim_lsp.server').client(), suggestion.item
  if not client or not item or not item.command then
    return
  end
  if left then
    client:notify(PARTLY, { item = item, acceptedLength = M.accepted_units(item, left.text) })
  else
    client:request('workspace/executeCommand', { command = item.command.command, arguments = item.command.arguments }, function() end)
  end
end

--- UTF-16 units of an item's text up to what is left of it, whose lines are joined by \n.
---@param item table lsp.InlineCompletionItem
---@param left string
---@return integer
function M.accepted_units(item, left)
  local text = type(item.insertText) == 'table' and item.insertText.value or item.insertText
  left = text:find('\r\n', 1, true) and left:gsub('\n', '\r\n') or left
  return vim.str_utfindex(text, 'utf-16') - vim.str_utfindex(left, 'utf-16')
end

return M
