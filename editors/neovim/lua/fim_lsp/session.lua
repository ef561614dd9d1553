--- Asking and showing. What is on screen is a value; every event either moves it along, or drops it and asks.
---
---     key ──▶ TextChangedI ──▶ advance the ghost, same frame        (no server)
---                          └─▶ or clear, wait debounce_ms ──▶ ask ──▶ answer
---                                                              │       └ same buffer, tick, cursor, mode? ──▶ draw
---                                                              └ cancels what was asked before
local M = {}

---@class fim_lsp.Shown
---@field buf integer
---@field place fim_lsp.Place
---@field all fim_lsp.Suggestion[]
---@field index integer
---@field tick? integer changedtick when it was drawn

---@type fim_lsp.Shown?
local shown
local asked ---@type { client: vim.lsp.Client, id: integer }?
local timer = assert(vim.uv.new_timer())
local AUTOMATIC, INVOKED = 2, 1

--- Listen to the events of insert mode.
function M.watch()
  local group = vim.api.nvim_create_augroup('fim_lsp', { clear = true })
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ 'TextChangedI', 'TextChangedP' }, function(event)
    M.follow(event.buf)
  end)
  on('InsertEnter', function(event)
    vim.schedule(M.claim_keys) -- after what else maps them on this event
    M.ask_soon(event.buf)
  end)
  on('LspAttach', function(event) -- to who types already while the server starts
    if M.is_attached(event.buf) then
      M.claim_keys()
      M.ask_soon(event.buf)
    end
  end)
  on('CursorMovedI', M.stay)
  on({ 'InsertLeave', 'BufLeave' }, M.dismiss)
  require('fim_lsp.menus').watch(group, M.dismiss, M.ask_soon)
  require('fim_lsp.typed').watch(group)
end

---@return fim_lsp.Suggestion? suggestion the one on screen
function M.visible()
  return shown and shown.all[shown.index]
end

--- Put away what is shown and forget what was asked.
function M.dismiss()
  timer:stop()
  if asked then
    asked.client:cancel_request(asked.id)
    asked = nil
  end
  if shown then
    require('fim_lsp.ghost').clear(shown.buf)
    shown = nil
  end
end

--- The text changed: keep the ghost where it is typed along, else drop it and ask.
---@param buf integer
function M.follow(buf)
  if not (shown and shown.buf == buf and M.advance()) then
    M.dismiss()
    M.ask_soon(buf)
  end
end

--- Move the ghost along with what was typed; false when that was something else.
---@return boolean
function M.advance()
  assert(shown)
  local now, all, at = M.place(), {}, 1
  for index, suggestion in ipairs(shown.all) do
    local left = require('fim_lsp.suggestion').advance(suggestion, shown.place, now)
    all[#all + 1] = left
    if index == shown.index then
      if not left then
        return false
      end
      at = #all
    end
  end
  shown.all, shown.place, shown.index = all, now, at
  M.draw()
  return true
end

--- The cursor moved: a ghost elsewhere than at the cursor is none. (A key typed comes here before it comes to follow.)
function M.stay()
  if shown and vim.api.nvim_buf_get_changedtick(shown.buf) == shown.tick and not vim.deep_equal(M.place(), shown.place) then
    M.dismiss()
  end
end

---@param buf integer
function M.ask_soon(buf)
  if require('fim_lsp.pause').is_paused(buf) or require('fim_lsp.config').setting('trigger') == 'manual' then
    return
  end
  timer:start(
    require('fim_lsp.config').get().debounce_ms,
    0,
    vim.schedule_wrap(function()
      if vim.api.nvim_get_current_buf() == buf and not shown then -- what came meanwhile, or is half taken, stays
        M.ask(AUTOMATIC)
      end
    end)
  )
end

--- Ask by hand, several suggestions at once; `then_` is called when they are on screen.
---@param then_ fun()?
function M.trigger(then_)
  M.dismiss()
  M.ask(INVOKED, then_)
end

---@param kind integer 1 invoked, 2 automatic
---@param then_ fun()?
function M.ask(kind, then_)
  local client = require('fim_lsp.server').client()
  local buf = vim.api.nvim_get_current_buf()
  if not client or not M.is_typing() or require('fim_lsp.menus').is_open() or not M.is_attached(buf) then
    return
  end
  if asked then
    asked.client:cancel_request(asked.id)
  end
  local tick, place = vim.api.nvim_buf_get_changedtick(buf), M.place()
  local params = vim.lsp.util.make_position_params(0, client.offset_encoding) --[[@as table]]
  params.context = { triggerKind = kind }
  local mine ---@type { client: vim.lsp.Client, id: integer }
  local sent, id = client:request('textDocument/inlineCompletion', params, function(problem, result)
    if asked ~= mine then
      return
    end
    asked = nil
    local is_wanted = vim.api.nvim_get_current_buf() == buf
      and vim.api.nvim_buf_get_changedtick(buf) == tick
      and vim.deep_equal(M.place(), place)
      and M.is_typing()
      and not require('fim_lsp.menus').is_open()
    if is_wanted and not problem and result then
      M.show(buf, place, result.items or result, client.offset_encoding)
      if then_ and shown then
        then_()
      end
    end
  end, buf)
  mine = { client = client, id = id }
  asked = sent and mine or nil
end

---@param buf integer
---@param place fim_lsp.Place
---@param items table[]
---@param encoding string
function M.show(buf, place, items, encoding)
  local all = {} ---@type fim_lsp.Suggestion[]
  for _, item in ipairs(items) do
    all[#all + 1] = require('fim_lsp.suggestion').decode(item, place, encoding)
  end
  if #all > 0 then
    shown = { buf = buf, place = place, all = all, index = 1 }
    M.draw()
    require('fim_lsp.feedback').shown(all[1])
  end
end

function M.draw()
  if not shown then
    return
  end
  shown.tick = vim.api.nvim_buf_get_changedtick(shown.buf)
  require('fim_lsp.ghost').draw(shown.buf, shown.all[shown.index], shown.place)
  vim.api.nvim_exec_autocmds('User', { pattern = 'FimLspShown', modeline = false })
end

--- Show the next suggestion, or the one before; asks for several when there is one only.
---@param step 1|-1
function M.cycle(step)
  if shown and #shown.all > 1 then
    shown.index = (shown.index - 1 + step) % #shown.all + 1
    M.draw()
  else
    M.trigger(function()
      if shown and #shown.all > 1 then
        M.cycle(step)
      end
    end)
  end
end

--- Put the first `length` bytes in at the cursor, what they cover being gone; what is left stays on screen.
---@param length integer
function M.take(length)
  if not shown then
    return
  end
  local whole, buf = shown.all[shown.index], shown.buf
  local taken, left = require('fim_lsp.suggestion').split(whole, length)
  require('fim_lsp.ghost').clear(buf)
  vim.api.nvim_paste(taken.text, false, -1)
  require('fim_lsp.feedback').accepted(whole, left)
  if left then
    shown = { buf = buf, place = M.place(), all = { left }, index = 1 }
    M.draw()
  else
    shown = nil
    M.ask_soon(buf)
  end
end

--- Put a suggestion into the buffer of this window, and the cursor behind it.
---@param buf integer
---@param place fim_lsp.Place
---@param taken fim_lsp.Suggestion
---@return [integer, integer] cursor row from 1 and column
function M.put(buf, place, taken)
  local row, col = place.row, place.col
  local lines = vim.split(taken.text, '\n', { plain = true })
  vim.api.nvim_buf_set_text(buf, row, col, row, col + #taken.covered, lines)
  local cursor = { row + #lines, #lines == 1 and col + #lines[1] or #lines[#lines] }
  vim.api.nvim_win_set_cursor(0, cursor)
  return cursor
end

---@return fim_lsp.Place
function M.place()
  local row, col = unpack(vim.api.nvim_win_get_cursor(0))
  local line = vim.api.nvim_get_current_line()
  return { row = row - 1, col = col, before = line:sub(1, col), rest = line:sub(col + 1) }
end

function M.is_typing()
  return vim.startswith(vim.api.nvim_get_mode().mode, 'i')
end

--- Have our keys before those that the buffer maps for itself.
function M.claim_keys()
  if M.is_typing() and M.is_attached(vim.api.nvim_get_current_buf()) then
    require('fim_lsp.keys').claim()
  end
end

---@param buf integer
function M.is_attached(buf)
  local client = require('fim_lsp.server').client()
  return client ~= nil and vim.lsp.buf_is_attached(buf, client.id)
end

return M
