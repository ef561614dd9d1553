--- Ghost text on the screen: the first line in the line, the others below it.
---
---     one line      foo(a, b|ghost|)            inline before what stands right of the cursor
---     several       if ready:|ghost....|        overlay: the rest of the line moves down ...
---                   |    ghost|rest|            ... to where accepting will put it
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('fim_lsp')

---@param buf integer
function M.clear(buf)
  if vim.api.nvim_buf_is_valid(buf) then
    vim.api.nvim_buf_clear_namespace(buf, NAMESPACE, 0, -1)
  end
end

---@param buf integer
---@param shown fim_lsp.Suggestion
---@param place fim_lsp.Place
function M.draw(buf, shown, place)
  M.clear(buf)
  local lines = vim.tbl_map(function(line)
    return M.widen(line, vim.bo[buf].tabstop)
  end, require('fim_lsp.suggestion').ghost(shown))
  local first = table.remove(lines, 1)
  local options = { virt_text = { { first, 'FimLspGhost' } }, virt_text_pos = 'inline', hl_mode = 'combine' }
  if #lines > 0 then
    local rest = place.rest:sub(#shown.covered + 1)
    if place.rest ~= '' then
      local hidden = vim.fn.strdisplaywidth(place.rest, vim.fn.strdisplaywidth(place.before)) - vim.fn.strdisplaywidth(first)
      options.virt_text_pos = 'overlay'
      options.virt_text = { { first .. (' '):rep(hidden), 'FimLspGhost' } }
    end
    options.virt_lines = vim.tbl_map(function(line)
      return { { line, 'FimLspGhost' } }
    end, lines)
    if rest ~= '' then
      table.insert(options.virt_lines[#lines], { rest, 'Normal' })
    end
  end
  vim.api.nvim_buf_set_extmark(buf, NAMESPACE, place.row, place.col, options)
end

--- Tabs as the spaces they are wide: virtual text would show them as ^I.
---@param line string
---@param tabstop integer
---@return string
function M.widen(line, tabstop)
  local wide = ''
  for part, tab in line:gmatch('([^\t]*)(\t?)') do
    wide = wide .. part
    if tab ~= '' then
      wide = wide .. (' '):rep(tabstop - vim.fn.strdisplaywidth(wide) % tabstop)
    end
  end
  return wide
end

return M
