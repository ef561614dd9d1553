--- The language of a buffer: of a filetype with dots (`python.pytest`), the first part that we complete in.
local M = {}

---@param buf integer
---@return string? language nil where we do not complete
function M.language(buf)
  local wanted = require('fim_lsp.config').setting('languages')
  return vim.iter(vim.gsplit(vim.bo[buf].filetype, '.', { plain = true })):find(function(part)
    return vim.list_contains(wanted, part)
  end)
end

return M
