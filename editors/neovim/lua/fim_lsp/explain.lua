--- Why there was a suggestion, or none: the server's answer to `fimLsp/explain` in words.
local M = {}

--- Explain the last answer in a window.
function M.last()
  local client = require('fim_lsp.server').client()
  if not client then
    vim.notify('fim-lsp: no server is running; :checkhealth fim_lsp', vim.log.levels.WARN)
    return
  end
  client:request('fimLsp/explain', vim.empty_dict(), function(problem, answer)
    if problem then
      vim.notify('fim-lsp: ' .. problem.message, vim.log.levels.ERROR)
    else
      require('fim_lsp.window').open('fim-lsp: the last answer', M.words(answer))
    end
  end)
end

---@param answer table
---@return string[]
function M.words(answer)
  local lines = {} ---@type string[]
  if answer.reason ~= '' then
    lines[#lines + 1] = 'nothing shown: ' .. answer.reason
  end
  if answer.backend ~= '' then
    lines[#lines + 1] = ('answered by %s (%s)'):format(answer.backend, answer.why)
  end
  for index, text in ipairs(answer.shown) do
    lines[#lines + 1] = ('suggestion %d'):format(index)
    for _, line in ipairs(vim.split(text, '\n', { plain = true })) do
      lines[#lines + 1] = '  │' .. line
    end
  end
  M.table(lines, 'milliseconds', answer.timings, '%.1f')
  M.table(lines, 'tokens', answer.tokens, '%d')
  return lines
end

---@param lines string[] is appended to
---@param title string
---@param values table<string, number>
---@param format string
function M.table(lines, title, values, format)
  if vim.tbl_isempty(values or {}) then
    return
  end
  lines[#lines + 1] = title
  for name, value in vim.spairs(values) do
    lines[#lines + 1] = ('  %-10s %8s'):format(name, format:format(value))
  end
end

return M
