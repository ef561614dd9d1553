--- Keys that act on a suggestion and, where there is none, do what they did before.
local M = {}

local configured = {} ---@type table<string, string> action → key
local taken = {} ---@type { key: string, buf: integer?, before: table }[] mappings that ours stand in front of

local DESC = 'fim-lsp: '
-- These plugins map keys in each buffer and fall back to what is mapped everywhere: to ours.
local FALL_BACK = { ['cmp.utils.keymap.set_map'] = true, ['blink.cmp'] = true }

--- Map the configured keys in insert mode; a mapping that stands already is called when ours has nothing to do.
---@param keys fim_lsp.Keys
function M.map(keys)
  M.unmap()
  for action, key in pairs(keys) do
    if key then
      configured[action] = key
      M.put_before(M.everywhere(key), action, key)
    end
  end
end

---@param key string
---@return table mapping that is not of one buffer; empty for none
function M.everywhere(key)
  local raw = vim.keycode(key)
  return vim.iter(vim.api.nvim_get_keymap('i')):find(function(mapping)
    return mapping.lhsraw == raw or mapping.lhsrawalt == raw
  end) or {}
end

--- Stand in front of the mappings that this buffer has of its own, which hide ours.
function M.claim()
  local buf = vim.api.nvim_get_current_buf()
  for action, key in pairs(configured) do
    local before = vim.fn.maparg(key, 'i', false, true)
    local was_claimed = vim.iter(taken):any(function(one)
      return one.key == key and one.buf == buf
    end)
    -- Once only: whoever maps it again wants it, and two that outdo each other would never end.
    if before.buffer == 1 and not was_claimed and not M.is_ours(before) and not M.falls_back(before) then
      M.put_before(before, action, key, buf)
    end
  end
end

---@param mapping table of vim.fn.maparg()
function M.is_ours(mapping)
  return vim.startswith(mapping.desc or '', DESC)
end

--- True for a mapping that calls ours by itself.
---@param mapping table of vim.fn.maparg()
function M.falls_back(mapping)
  return FALL_BACK[mapping.desc] or false
end

---@param before table the mapping of vim.fn.maparg(), empty for none
---@param action string
---@param key string
---@param buf integer? the only buffer it is for
function M.put_before(before, action, key, buf)
  local way_back = M.keep(before, key)
  taken[#taken + 1] = { key = key, buf = buf, before = before }
  vim.keymap.set('i', key, function()
    if not require('fim_lsp')[action]() then
      vim.api.nvim_feedkeys(vim.keycode(way_back), way_back == key and 'ni' or 'mi', false)
    end
  end, { desc = DESC .. action:gsub('_', ' '), buffer = buf })
end

--- Keep a mapping alive under another name, so that Neovim itself runs it: script-local, expression, buffer and all.
---@param before table
---@param key string
---@return string keys that run it
function M.keep(before, key)
  if vim.tbl_isempty(before) then
    return key
  end
  local bare = key:gsub('[<>]', '')
  local name = ('<Plug>(fim-lsp-before-%s)'):format(bare)
  local kept = vim.tbl_extend('force', before, { lhs = name, lhsraw = vim.keycode(name), lhsrawalt = nil })
  if before.noremap == 0 and before.rhs and vim.startswith(before.rhs:lower(), before.lhs:lower()) then
    -- Its own key at its beginning was not mapped again; under another name it would be, and never end.
    local plain = ('<Plug>(fim-lsp-plain-%s)'):format(bare)
    vim.keymap.set('i', plain, before.lhs, { remap = false })
    kept.rhs = plain .. before.rhs:sub(#before.lhs + 1)
  end
  vim.fn.mapset('i', false, kept)
  return name
end

--- Give the keys back as they were found.
function M.unmap()
  for _, one in ipairs(taken) do
    local is_there = not one.buf or vim.api.nvim_buf_is_valid(one.buf)
    if is_there then
      vim.api.nvim_buf_call(one.buf or 0, function()
        pcall(vim.keymap.del, 'i', one.key, { buffer = one.buf })
        if not vim.tbl_isempty(one.before) then
          vim.fn.mapset('i', false, one.before)
        end
      end)
    end
  end
  taken, configured = {}, {}
end

return M
