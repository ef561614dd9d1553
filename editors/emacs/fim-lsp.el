;;; fim-lsp.el --- fim-lsp in Emacs, through eglot  -*- lexical-binding: t -*-

;; Suggestions come as entries of the completion menu: Emacs has no inline completion.

(require 'eglot)

(add-to-list 'eglot-server-programs '(python-mode . ("fim-lsp" "serve")))
(add-hook 'python-mode-hook #'eglot-ensure)

;; Entries are whole pieces of code, so they are taken as they come, not narrowed by what they begin with.
(setq completion-category-overrides '((eglot (styles basic))))

(provide 'fim-lsp)
;;; fim-lsp.el ends here
