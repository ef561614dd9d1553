--- Keys that act on a suggestion and, where there is none, do what they did before.
local M = {}

local mapped = {} ---@type table<string, table> key → the mapping it had before

--- Map the configured keys in insert mode; a mapping that stands already is called when ours has nothing to do.
---@param keys fim_lsp.Keys
function M.map(keys)
  M.unmap()
  for action, key in pairs(keys) do
    if key then
      local before = vim.fn.maparg(key, 'i', false, true)
      mapped[key] = before
      vim.keymap.set('i', key, function()
        if not require('fim_lsp')[action]() then
          M.fall_through(key, before)
        end
      end, { desc = 'fim-lsp: ' .. action:gsub('_', ' ') })
    end
  end
end

--- Give the keys back as they were found.
function M.unmap()
  for key, before in pairs(mapped) do
    pcall(vim.keymap.del, 'i', key)
    if not vim.tbl_isempty(before) then
      vim.fn.mapset('i', false, before)
    end
  end
  mapped = {}
end

---@param key string
---@param before table the mapping of vim.fn.maparg(), empty for none
function M.fall_through(key, before)
  local keys = before.rhs
  if before.callback then
    keys = before.callback()
  elseif before.expr == 1 then
    keys = vim.api.nvim_eval(before.rhs)
  end
  if vim.tbl_isempty(before) then
    M.feed(key, true)
  elseif type(keys) == 'string' and (before.expr == 1 or not before.callback) then
    M.feed(keys, before.noremap == 1)
  end
end

---@param keys string
---@param is_plain boolean not to be mapped again
function M.feed(keys, is_plain)
  vim.api.nvim_feedkeys(vim.keycode(keys), is_plain and 'ni' or 'mi', false)
end

return M
