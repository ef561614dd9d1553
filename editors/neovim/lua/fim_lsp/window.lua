--- A floating window with lines to read; `q` or Escape closes it.
local M = {}

local NAMESPACE = vim.api.nvim_create_namespace('fim_lsp_window')

---@param title string
---@param lines (string|fim_lsp.Line)[]
---@param footer? string
---@return integer window
function M.open(title, lines, footer)
  local buf = vim.api.nvim_create_buf(false, true)
  vim.bo[buf].bufhidden = 'wipe'
  local window = vim.api.nvim_open_win(buf, true, {
    relative = 'editor',
    style = 'minimal',
    border = 'rounded',
    title = (' %s '):format(title),
    footer = footer and (' %s '):format(footer),
    width = math.max(#title, vim.fn.strdisplaywidth(footer or '')) + 4,
    height = 1,
    row = 0,
    col = 0,
  })
  vim.wo[window].wrap = true
  for _, key in ipairs({ 'q', '<Esc>' }) do
    vim.keymap.set('n', key, '<Cmd>close<CR>', { buffer = buf, nowait = true })
  end
  M.fill(window, lines)
  return window
end

--- Put lines into it, as large as they need and in the middle of the screen.
---@param window integer
---@param lines (string|fim_lsp.Line)[]
function M.fill(window, lines)
  local buf, width = vim.api.nvim_win_get_buf(window), vim.api.nvim_win_get_config(window).width
  local texts = vim.tbl_map(function(line)
    return line.text or line
  end, lines)
  vim.bo[buf].modifiable = true
  vim.api.nvim_buf_set_lines(buf, 0, -1, false, texts)
  vim.bo[buf].modifiable = false
  for row, line in ipairs(lines) do
    for _, mark in ipairs(line.marks or {}) do
      vim.api.nvim_buf_set_extmark(buf, NAMESPACE, row - 1, mark[1], { end_col = mark[2], hl_group = mark[3] })
    end
    width = math.max(width, vim.fn.strdisplaywidth(texts[row]))
  end
  width = math.min(width, vim.o.columns - 4)
  local rows = 0 -- on screen, long lines being broken
  for _, text in ipairs(texts) do
    rows = rows + math.max(math.ceil(vim.fn.strdisplaywidth(text) / width), 1)
  end
  vim.api.nvim_win_set_config(window, {
    relative = 'editor',
    width = width,
    height = math.min(math.max(rows, 1), math.max(vim.o.lines - 6, 1)),
    row = math.max((vim.o.lines - rows) / 2 - 1, 0),
    col = math.max((vim.o.columns - width) / 2, 0),
  })
end

return M
