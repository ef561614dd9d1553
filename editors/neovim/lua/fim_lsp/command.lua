--- The command that runs the server: as the user wrote it, else looked for.
local M = {}

---@return string
function M.log_path()
  return vim.fs.joinpath(vim.fn.stdpath('log') --[[@as string]], 'fim_lsp.log')
end

--- The command to run; nil and what to do about it where there is none.
---@return string[]? command, string? problem
function M.find()
  local cmd = require('fim_lsp.config').get().cmd
  if type(cmd) == 'table' then
    return vim.list_extend({ vim.fs.normalize(cmd[1] or '') }, cmd, 2)
  end
  local found = vim.fs.normalize(cmd) -- `~` and `$HOME`
  if found == '' then
    found = M.search()
    if found == '' then
      return nil, 'no fim-lsp in $VIRTUAL_ENV nor on $PATH: `pip install "fim-lsp[weights]"`, or setup{ cmd = "/path/to/fim-lsp" }'
    end
  elseif vim.fn.executable(found) == 0 then
    return nil, ('cmd is %q, which cannot be run: correct it, or leave it out to search for fim-lsp'):format(found)
  end
  return { found, 'serve', '--log', M.log_path() }
end

---@return string path '' for none
function M.search()
  for _, folder in ipairs(vim.env.VIRTUAL_ENV and { 'bin', 'Scripts' } or {}) do -- Windows has the second
    local active = vim.fn.exepath(vim.fs.joinpath(vim.env.VIRTUAL_ENV, folder, 'fim-lsp'))
    if active ~= '' then
      return active
    end
  end
  return vim.fn.exepath('fim-lsp')
end

return M
