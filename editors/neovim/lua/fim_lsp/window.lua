--- A floating window with lines to read; `q` or Escape closes it.
local M = {}

---@param title string
---@param lines string[]
function M.open(title, lines)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable, vim.bo[buf].bufhidden = false, 'wipe'
  local width = math.max(#title + 4, unpack(vim.tbl_map(vim.fn.strdisplaywidth, lines)))
  width = math.min(width, vim.o.columns - 4)
  local window = vim.api.nvim_open_win(buf, true, {
    relative = 'editor',
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(title),
    width = width,
    height = math.min(#lines, math.max(vim.o.lines - 6, 1)),
    row = math.max((vim.o.lines - #lines) / 2 - 1, 0),
    col = math.max((vim.o.columns - width) / 2, 0),
  })
  vim.wo[window].wrap = true
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = buf, nowait = true })
  end
end

return M
