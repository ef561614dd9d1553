--- The language server: found, started with the first buffer that wants it, and started again when it dies.
local M = {}

local NAME = 'fim_lsp'
local CALM_MS = 60000 -- a server that lived so long starts counting from nothing again
local MOST_TRIES = 5

local tries, is_wanted, started_at = 0, true, 0

---@return vim.lsp.Client?
function M.client()
  return vim.lsp.get_clients({ name = NAME })[1]
end

--- Attach to every buffer of a language we complete in, now and later.
function M.watch()
  local group = vim.api.nvim_create_augroup('fim_lsp_server', { clear = true })
  local function on(events, callback)
    vim.api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ 'FileType', 'BufFilePost' }, function(event)
    M.attach(event.buf)
  end)
  on('BufEnter', function(event)
    if vim.api.nvim_buf_get_name(event.buf) == '' then
      M.attach(event.buf)
    end
  end)
  on('BufFilePre', function(event)
    M.detach(event.buf) -- the server knows it by its name
  end)
  on('VimLeavePre', function()
    is_wanted = false
  end)
  M.attach_all()
end

function M.attach_all()
  for _, buf in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buf) then
      M.attach(buf)
    end
  end
end

--- Start the server for a buffer, or let the running one take it too.
---@param buf integer
function M.attach(buf)
  if vim.bo[buf].buftype ~= '' or not require('fim_lsp.filetype').language(buf) then
    return
  end
  if vim.api.nvim_buf_get_name(buf) == '' and not M.has_turn(buf) then
    return
  end
  local command = require('fim_lsp.command').find()
  if not command then
    vim.schedule(function() -- within an event it would read as a fault; a longer line would wait for a key
      vim.notify_once('fim-lsp: no server to run; see :checkhealth fim_lsp', vim.log.levels.WARN)
    end)
    return
  end
  is_wanted = true
  if not M.client() then
    started_at = vim.uv.now()
  end
  vim.lsp.start(M.describe(command, buf), {
    bufnr = buf,
    reuse_client = function(client)
      return client.name == NAME
    end,
  })
end

--- Buffers without a name are one to the server: the one that is edited is attached, the others are not.
---@param buf integer
function M.has_turn(buf)
  if buf ~= vim.api.nvim_get_current_buf() then
    return false
  end
  for _, other in ipairs(vim.api.nvim_list_bufs()) do
    if other ~= buf and vim.api.nvim_buf_get_name(other) == '' then
      M.detach(other)
    end
  end
  return true
end

---@param buf integer
function M.detach(buf)
  local client = M.client()
  if client and vim.lsp.buf_is_attached(buf, client.id) then
    vim.lsp.buf_detach_client(buf, client.id)
  end
end

---@param command string[]
---@param buf integer
---@return vim.lsp.ClientConfig
function M.describe(command, buf)
  local capabilities = vim.lsp.protocol.make_client_capabilities()
  capabilities.textDocument.inlineCompletion = { dynamicRegistration = true }
  local settings = require('fim_lsp.config').get().settings
  return {
    name = NAME,
    cmd = command,
    get_language_id = function(attached, filetype)
      return require('fim_lsp.filetype').language(attached) or filetype
    end,
    root_dir = vim.fs.root(buf, { 'pyproject.toml', '.git' }),
    capabilities = capabilities,
    init_options = settings,
    settings = { fimLsp = settings },
    handlers = {
      ['fimLsp/status'] = function(_, status)
        require('fim_lsp.status').take(status)
      end,
    },
    on_exit = function(code, signal)
      vim.schedule(function()
        M.on_exit(code, signal)
      end)
    end,
  }
end

--- Start again after 1, 2, 4 ... seconds, say so once, and give up after some tries in a row.
---@param code integer
---@param signal integer
function M.on_exit(code, signal)
  require('fim_lsp.status').take({ state = 'stopped' })
  if not is_wanted then
    return
  end
  tries = vim.uv.now() - started_at > CALM_MS and 1 or tries + 1
  local how = signal ~= 0 and ('signal %d'):format(signal) or ('exit code %d'):format(code)
  if tries > MOST_TRIES then
    vim.notify(('fim-lsp: the server ended %d times in a row (%s); :FimLsp log, :checkhealth fim_lsp'):format(tries, how), vim.log.levels.ERROR)
    return
  end
  if tries == 1 then
    vim.notify(('fim-lsp: server ended (%s); starting it again'):format(how), vim.log.levels.WARN)
  end
  vim.defer_fn(function()
    if is_wanted and not M.client() then
      M.attach_all()
    end
  end, 1000 * 2 ^ (tries - 1))
end

--- Stop the server and start it anew with the options as they are now.
function M.restart()
  local client = M.client()
  tries = 0
  if not client then
    M.attach_all()
    return
  end
  is_wanted = false
  require('fim_lsp.session').dismiss()
  client:stop()
  local waited = 0
  local function again()
    waited = waited + 50
    if M.client() and waited < 5000 then
      vim.defer_fn(again, 50)
    else
      if M.client() then
        client:stop(true)
      end
      is_wanted = true
      M.attach_all()
    end
  end
  vim.defer_fn(again, 50)
end

--- Change a setting of the running server, and of those to come.
---@param key string
---@param value any
function M.set(key, value)
  local settings = require('fim_lsp.config').get().settings
  require('fim_lsp.config').put(settings, key, value)
  local client = M.client()
  if client then
    client.settings = { fimLsp = settings }
    client:notify('workspace/didChangeConfiguration', { settings = client.settings })
  end
end

return M
