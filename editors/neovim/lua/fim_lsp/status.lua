--- What the server last said of itself.
local M = {}

---@class fim_lsp.Status
---@field state 'stopped'|'loading'|'ready'|'busy'|'error'
---@field reason? string
---@field backend? string
---@field lastMs? number

local latest = { state = 'stopped' } ---@type fim_lsp.Status

---@param status fim_lsp.Status
function M.take(status)
  latest = status
  vim.api.nvim_exec_autocmds('User', { pattern = 'FimLspStatus', modeline = false })
  vim.cmd.redrawstatus({ bang = true })
end

---@return fim_lsp.Status
function M.latest()
  return latest
end

--- A few characters: `fim gpt 120 ms`, `fim …` while busy, `fim off` where paused, `fim !` on trouble.
---@return string
function M.line()
  local signs = { stopped = '✗', loading = 'loading', busy = '…', error = '!' }
  if require('fim_lsp.pause').is_paused(vim.api.nvim_get_current_buf()) then
    return 'fim off'
  elseif signs[latest.state] then
    return 'fim ' .. signs[latest.state]
  end
  local last = type(latest.lastMs) == 'number' and (' %.0f ms'):format(latest.lastMs) or ''
  return ('fim %s%s'):format(latest.backend or '', last)
end

--- The whole of it, for a person.
---@return string[]
function M.describe()
  local command, problem = require('fim_lsp.command').find()
  local paused = require('fim_lsp.pause').is_paused(vim.api.nvim_get_current_buf())
  local lines = {
    'state     ' .. latest.state .. (latest.reason and latest.reason ~= '' and (': ' .. latest.reason) or ''),
    'backend   ' .. (latest.backend ~= '' and latest.backend or 'none yet'),
    'last      ' .. (type(latest.lastMs) == 'number' and ('%.0f ms'):format(latest.lastMs) or 'no answer yet'),
    'here      ' .. (paused and 'automatic suggestions are off' or 'automatic suggestions are on'),
    'command   ' .. (command and table.concat(command, ' ') or problem),
  }
  return lines
end

return M
