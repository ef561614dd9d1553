--- `:checkhealth fim_lsp`: the mistakes people make, each with its remedy.
local M = {}

local OTHERS = { 'copilot', 'supermaven-nvim', 'codeium', 'minuet', 'tabnine', 'llm', 'neocodeium' }
local DOCTOR_MS = 120000

function M.check()
  vim.health.start('fim-lsp')
  M.check_version()
  M.check_options()
  local command = M.check_command()
  if command then
    M.check_server(command)
  end
  M.check_language()
  M.check_keys()
  M.check_others()
end

function M.check_version()
  if vim.fn.has('nvim-0.11') == 1 then
    vim.health.ok('Neovim ' .. tostring(vim.version()))
  else
    vim.health.error('Neovim is older than 0.11', 'install Neovim 0.11 or later')
  end
end

function M.check_options()
  local config = require('fim_lsp.config')
  local _, problems = config.resolve(config.get())
  for _, problem in ipairs(problems) do
    vim.health.warn(problem, ':help fim_lsp-options')
  end
end

---@return string[]? command
function M.check_command()
  local command, problem = require('fim_lsp.command').find()
  if not command then
    vim.health.error(problem --[[@as string]])
    return nil
  end
  if vim.fn.executable(command[1]) == 0 then
    vim.health.error(command[1] .. ' cannot be run', 'correct cmd in setup(), or leave it out to search for fim-lsp')
    return nil
  end
  vim.health.ok('server command: ' .. table.concat(command, ' '))
  return command
end

--- Have the server's own doctor load the model and complete once.
---@param command string[]
function M.check_server(command)
  local run = vim.system({ command[1], 'doctor', '--json' }, { text = true }):wait(DOCTOR_MS)
  local is_json, found = pcall(vim.json.decode, run.stdout or '')
  if not is_json then
    local said = vim.trim(run.stderr or '')
    vim.health.error('the server does not start: ' .. (said ~= '' and said or 'exit code ' .. run.code), 'run `' .. command[1] .. ' doctor`')
  elseif not found.ok then
    vim.health.error('no completion could be made: ' .. (found.model.problem or 'unknown'), 'run `' .. command[1] .. ' doctor`')
  else
    vim.health.ok(('fim-lsp %s completes; the model loads in %.1f s'):format(found['fim-lsp'], found.model.load_s))
  end
end

function M.check_language()
  local languages = require('fim_lsp.config').setting('languages')
  vim.health.info('completes in ' .. table.concat(languages, ', ') .. ' (settings.languages)')
  if require('fim_lsp.pause').is_paused(vim.api.nvim_get_current_buf()) then
    vim.health.warn('automatic suggestions are off here', ':FimLsp toggle')
  end
  if require('fim_lsp.config').setting('trigger') == 'manual' then
    vim.health.warn('settings.trigger is manual: suggestions come only by hand', 'press keys.trigger, or set it to automatic')
  end
end

function M.check_keys()
  for action, key in vim.spairs(require('fim_lsp.config').get().keys) do
    local mapping = key and vim.fn.maparg(key, 'i', false, true) or {}
    local keys = require('fim_lsp.keys')
    if keys.falls_back(mapping) then
      vim.health.info(('%s (keys.%s) belongs to %s, which falls back to fim-lsp'):format(key, action, mapping.desc))
    elseif key and not keys.is_ours(mapping) then
      vim.health.warn(
        ('%s (keys.%s) belongs to %s now'):format(key, action, mapping.desc or mapping.rhs or 'nobody'),
        ("call require('fim_lsp').%s() in that mapping, or choose another key"):format(action)
      )
    end
  end
end

function M.check_others()
  local found = vim.tbl_filter(function(name)
    return package.loaded[name] ~= nil or vim.g['loaded_' .. name] ~= nil
  end, OTHERS)
  if #found > 0 then
    vim.health.warn(table.concat(found, ', ') .. ' also shows ghost text', 'switch one of them off')
  else
    vim.health.ok('no other plugin shows ghost text')
  end
end

return M
