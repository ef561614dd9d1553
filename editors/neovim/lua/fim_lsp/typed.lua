--- Taking text as if it were typed: undo, dot repeat and macros know it.
---
---     Tab ──▶ <C-g>u <Del>… <Cmd>take<CR> <C-g>u      one undo block; the paste is part of what `.` repeats
---                       └ recording: fed as typed, so the macro holds it ──▶ on its end it becomes
---                         <C-r><C-o>="the text"<CR>, and the key that took it goes
local M = {}

local pressed = '' -- the last key that was really pressed, while recording
local recorded = {} ---@type { key: string, keys: string, plain: string }[]
local NAMESPACE = vim.api.nvim_create_namespace('fim_lsp_typed')

--- Follow recordings.
---@param group integer
function M.watch(group)
  vim.api.nvim_create_autocmd('RecordingEnter', {
    group = group,
    callback = function()
      recorded = {}
      vim.on_key(function(_, typed)
        pressed = typed ~= '' and typed or pressed
      end, NAMESPACE)
    end,
  })
  vim.api.nvim_create_autocmd('RecordingLeave', {
    group = group,
    callback = function()
      vim.on_key(nil, NAMESPACE)
      local register = vim.fn.reg_recording():lower()
      vim.schedule(function() -- it is written after this event
        M.spell_out(register)
      end)
    end,
  })
end

--- Take the first `length` bytes of what is shown.
---@param suggestion fim_lsp.Suggestion
---@param length integer
function M.take(suggestion, length)
  local taken = require('fim_lsp.suggestion').split(suggestion, length)
  local before, after = '<C-g>u' .. ('<Del>'):rep(vim.fn.strchars(taken.covered, true)), '<C-g>u'
  local keys = before .. ('<Cmd>lua require("fim_lsp.session").take(%d)<CR>'):format(length) .. after
  local is_recording = vim.fn.reg_recording() ~= ''
  if is_recording then
    local plain = vim.keycode(before .. '<C-r><C-o>=') .. vim.fn.json_encode(taken.text) .. vim.keycode('<CR>' .. after)
    table.insert(recorded, { key = pressed, keys = vim.keycode(keys), plain = plain })
  end
  vim.api.nvim_feedkeys(vim.keycode(keys), is_recording and 'nit' or 'ni', false)
end

--- Write into a register what was taken, in place of the keys that took it.
---@param register string
function M.spell_out(register)
  local macro, from = vim.fn.getreg(register), 1
  for _, one in ipairs(recorded) do
    local start, stop = macro:find(one.key .. one.keys, from, true)
    if start then
      macro = macro:sub(1, start - 1) .. one.plain .. macro:sub(stop + 1)
      from = start + #one.plain
    end
  end
  if #recorded > 0 then
    vim.fn.setreg(register, macro, 'v')
    recorded = {}
  end
end

return M
