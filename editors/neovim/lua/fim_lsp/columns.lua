--- Lines with highlights, as values: stacked, or set side by side.
local M = {}

---@class fim_lsp.Line
---@field text string
---@field marks [integer, integer, string][] from and to in bytes, highlight group

--- A line of parts, each a text and its highlight group or none.
---@param ... [string, string?]
---@return fim_lsp.Line
function M.line(...)
  local line = { text = '', marks = {} } ---@type fim_lsp.Line
  for _, part in ipairs({ ... }) do
    local from = #line.text
    line.text = line.text .. part[1]
    if part[2] then
      line.marks[#line.marks + 1] = { from, #line.text, part[2] }
    end
  end
  return line
end

--- Cells of the widest line.
---@param lines fim_lsp.Line[]
---@return integer
function M.width(lines)
  local width = 0
  for _, line in ipairs(lines) do
    width = math.max(width, vim.fn.strdisplaywidth(line.text))
  end
  return width
end

--- Break a text between its words.
---@param text string
---@param width integer cells
---@param group? string
---@return fim_lsp.Line[]
function M.wrap(text, width, group)
  local lines, line = {}, ''
  for word in text:gmatch('%S+') do
    if line ~= '' and vim.fn.strdisplaywidth(line .. ' ' .. word) > width then
      lines[#lines + 1] = M.line({ line, group })
      line = ''
    end
    line = line == '' and word or line .. ' ' .. word
  end
  lines[#lines + 1] = M.line({ line, group })
  return lines
end

--- Two columns with a rule between them.
---@param left fim_lsp.Line[]
---@param right fim_lsp.Line[]
---@return fim_lsp.Line[]
function M.beside(left, right)
  local width, lines = M.width(left), {}
  for row = 1, math.max(#left, #right) do
    local a, b = left[row] or M.line(), right[row] or M.line()
    local head = a.text .. (' '):rep(width - vim.fn.strdisplaywidth(a.text)) .. ' │ '
    local line = { text = head .. b.text, marks = vim.deepcopy(a.marks) }
    for _, mark in ipairs(b.marks) do
      line.marks[#line.marks + 1] = { mark[1] + #head, mark[2] + #head, mark[3] }
    end
    lines[row] = line
  end
  return lines
end

--- One after the other.
---@param above fim_lsp.Line[]
---@param below fim_lsp.Line[]
---@return fim_lsp.Line[]
function M.stacked(above, below)
  return vim.list_extend(vim.list_extend(vim.list_slice(above), { M.line() }), below)
end

return M
