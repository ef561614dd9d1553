;;; fim-lsp.el --- fim-lsp in Emacs, through eglot  -*- lexical-binding: t -*-

;; Suggestions come as entries of the completion menu: Emacs has no inline completion.

(require 'eglot)

(defvar fim-lsp-modes
  '(python-mode python-ts-mode js-mode js-ts-mode typescript-mode typescript-ts-mode tsx-ts-mode go-mode go-ts-mode
    rust-mode rust-ts-mode java-mode java-ts-mode c-mode c-ts-mode c++-mode c++-ts-mode csharp-mode csharp-ts-mode
    ruby-mode ruby-ts-mode php-mode sh-mode bash-ts-mode lua-mode)
  "Modes in which fim-lsp completes; eglot has one server a mode, so leave out those whose own you would miss.")

(add-to-list 'eglot-server-programs (cons fim-lsp-modes '("fim-lsp" "serve")))
(dolist (mode fim-lsp-modes)
  (add-hook (intern (format "%s-hook" mode)) #'eglot-ensure))

;; Entries are whole pieces of code, so they are taken as they come, not narrowed by what they begin with.
(setq completion-category-overrides '((eglot (styles basic))))

(provide 'fim-lsp)
;;; fim-lsp.el ends here
