--- Both families at the cursor: ask, show in a window, insert what is chosen. Nothing waits: closing the window cancels.
---
---     :FimLsp compare ──▶ window "comparing …" ──▶ answer ──▶ 1, 2 insert · r again · q, Escape close
---                              └ closed ──▶ $/cancelRequest
local M = {}

---@class fim_lsp.Compared where it was asked, and what came of it
---@field client vim.lsp.Client
---@field id? integer of the request
---@field view integer the window that shows it
---@field buf integer
---@field window integer
---@field tick integer
---@field place fim_lsp.Place
---@field typing_at? [integer, integer] row from 1 and column at which insert mode goes on
---@field suggestions table<integer, fim_lsp.Suggestion> by side; none where a side has none

local FOOTER = '1, 2 insert · r again · q close'

--- Compare at the cursor.
function M.here()
  local client, buf = require('fim_lsp.server').client(), vim.api.nvim_get_current_buf()
  if not client or not vim.lsp.buf_is_attached(buf, client.id) then
    vim.notify('fim-lsp: no server is running for this buffer; :checkhealth fim_lsp', vim.log.levels.WARN)
    return
  end
  local place, is_typing = M.place(), require('fim_lsp.session').is_typing()
  local asked = {
    client = client,
    buf = buf,
    window = vim.api.nvim_get_current_win(),
    tick = vim.api.nvim_buf_get_changedtick(buf),
    place = place,
    typing_at = is_typing and { place.row + 1, place.col } or nil,
    suggestions = {},
  } ---@type fim_lsp.Compared
  vim.cmd.stopinsert()
  asked.view = require('fim_lsp.window').open('fim-lsp: BERT and GPT', {}, FOOTER)
  M.map(asked)
  vim.api.nvim_create_autocmd('WinClosed', {
    pattern = tostring(asked.view),
    once = true,
    callback = function()
      M.cancel(asked)
      vim.schedule(function()
        M.go_back(asked)
      end)
    end,
  })
  M.ask(asked)
end

--- Where a key of insert mode would type: outside of it, where it was left, else at the cursor, at a line's end behind it.
---@return fim_lsp.Place
function M.place()
  local place = require('fim_lsp.session').place()
  if place.rest == '' or require('fim_lsp.session').is_typing() then
    return place
  end
  local width = vim.str_utf_end(place.rest, 1) + 1
  local left = vim.api.nvim_buf_get_mark(0, '^')
  if width < #place.rest and not (left[1] == place.row + 1 and left[2] == place.col + width) then
    return place
  end
  local line, col = place.before .. place.rest, place.col + width
  return { row = place.row, col = col, before = line:sub(1, col), rest = line:sub(col + 1) }
end

---@param asked fim_lsp.Compared
function M.map(asked)
  local function key(lhs, run)
    vim.keymap.set('n', lhs, run, { buffer = vim.api.nvim_win_get_buf(asked.view), nowait = true })
  end
  for index = 1, 2 do
    key(tostring(index), function()
      M.insert(asked, asked.suggestions[index])
    end)
  end
  key('r', function()
    if M.is_fresh(asked) then
      M.ask(asked)
    end
  end)
end

---@param asked fim_lsp.Compared
function M.ask(asked)
  M.cancel(asked)
  asked.suggestions = {}
  require('fim_lsp.window').fill(asked.view, { 'comparing at the cursor …' })
  local line, encoding = asked.place.before .. asked.place.rest, asked.client.offset_encoding
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(asked.buf),
    position = { line = asked.place.row, character = vim.str_utfindex(line, encoding, asked.place.col, false) },
  }
  local mine ---@type integer?
  local _, id = asked.client:request('fimLsp/compare', params, function(problem, answer)
    if asked.id == mine and vim.api.nvim_win_is_valid(asked.view) then
      asked.id = nil
      M.show(asked, problem and { reason = problem.message, sides = {} } or answer)
    end
  end, asked.buf)
  mine = id
  asked.id = id
end

---@param asked fim_lsp.Compared
function M.cancel(asked)
  if asked.id then
    asked.client:cancel_request(asked.id)
    asked.id = nil
  end
end

---@param asked fim_lsp.Compared
---@param answer fim_lsp.Comparison
function M.show(asked, answer)
  local window, view = require('fim_lsp.window'), require('fim_lsp.compare_view')
  if #answer.sides == 0 then
    window.fill(asked.view, { 'nothing was compared: ' .. answer.reason })
    return
  end
  for index, side in ipairs(answer.sides) do
    if type(side.item) == 'table' then -- a null is nil or vim.NIL, as the version of Neovim will have it
      asked.suggestions[index] = require('fim_lsp.suggestion').decode(side.item, asked.place, asked.client.offset_encoding)
    end
  end
  window.fill(asked.view, view.lines(answer, view.scene(asked), vim.o.columns - 4))
end

--- Put a suggestion where it was asked for.
---@param asked fim_lsp.Compared
---@param chosen? fim_lsp.Suggestion
function M.insert(asked, chosen)
  if not chosen or not M.is_fresh(asked) then
    return
  end
  vim.api.nvim_win_close(asked.view, true)
  vim.api.nvim_set_current_win(asked.window)
  local cursor = require('fim_lsp.session').put(asked.buf, asked.place, chosen)
  asked.typing_at = asked.typing_at and cursor
end

--- True while the text is the one that was compared; tells when it is not.
---@param asked fim_lsp.Compared
---@return boolean
function M.is_fresh(asked)
  local is_there = vim.api.nvim_win_is_valid(asked.window) and vim.api.nvim_win_get_buf(asked.window) == asked.buf
  local is_fresh = is_there and vim.api.nvim_buf_get_changedtick(asked.buf) == asked.tick
  if not is_fresh then
    vim.notify('fim-lsp: the text has changed since; compare again', vim.log.levels.WARN)
  end
  return is_fresh
end

--- Go on typing where that was interrupted.
---@param asked fim_lsp.Compared
function M.go_back(asked)
  if asked.typing_at and vim.api.nvim_get_current_win() == asked.window then
    local row, col = unpack(asked.typing_at)
    vim.api.nvim_win_set_cursor(asked.window, { row, col })
    vim.cmd.startinsert({ bang = col >= #vim.fn.getline(row) })
  end
end

return M
