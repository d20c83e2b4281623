;;; lint.el --- Gates for the Emacs package -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: GPL-3.0-or-later

;;; Commentary:

;; emacs -Q --batch -L elisp -l tests/elisp/lint.el compile|checkdoc|package FILE...
;;
;; Prints what is wrong and exits 1; on success it prints one line `lint: GATE: N files'.
;; The gate `package' needs package-lint on the load path and exits 77 without it.

;;; Code:

(require 'cl-lib)
(require 'bytecomp)
(require 'seq)

(defvar lint-problems 0 "How many problems were found.")

(defun lint-problem (file line text)
  "Print the problem TEXT at LINE of FILE."
  (cl-incf lint-problems)
  (message "%s:%s: %s" file line text))

(defun lint-compile (files)
  "Byte-compile FILES into a directory that is thrown away; a warning is an error."
  (let* ((directory (make-temp-file "sluice-lint" t))
         (byte-compile-error-on-warn t)
         (byte-compile-dest-file-function
          (lambda (file)
            (expand-file-name (concat (file-name-nondirectory file) "c") directory))))
    (unwind-protect
        (dolist (file files)
          (unless (eq t (byte-compile-file file))
            (lint-problem file 1 "does not compile without warnings")))
      (delete-directory directory t))))

(defvar checkdoc-create-error-function)
(defvar checkdoc-autofix-flag)
(declare-function checkdoc-current-buffer "checkdoc")

(defun lint-checkdoc (files)
  "Check the documentation strings of FILES."
  (require 'checkdoc)
  (dolist (file files)
    (with-current-buffer (find-file-noselect file)
      (let ((checkdoc-autofix-flag 'never)
            (checkdoc-create-error-function
             (lambda (text start _end &optional _unfixable)
               (let ((inhibit-message nil))
                 (lint-problem file (line-number-at-pos start) text))
               nil))
            (inhibit-message t))
        (checkdoc-current-buffer t)))))

(defvar package-lint-main-file)
(defvar package-archive-contents)
(declare-function package-desc-create "package")
(declare-function package-desc-create "package")
(declare-function package-lint-buffer "ext:package-lint")

(defun lint-package (files)
  "Check that FILES, the main file among them, make a package as archives want it."
  (unless (require 'package-lint nil t)
    (message "lint: package-lint is not on the load path")
    (kill-emacs 77))
  (let ((package-lint-main-file
         (seq-find (lambda (file) (string-suffix-p "/sluice.el" file)) files))
        ;; What we depend on, as an archive would have it: none is read here.
        (package-archive-contents
         (list (list 'transient (package-desc-create :name 'transient :version '(0 3 7)
                                                     :archive "gnu")))))
    (dolist (file files)
      (with-current-buffer (find-file-noselect file)
        (pcase-dolist (`(,line ,_column ,_kind ,text) (package-lint-buffer))
          (lint-problem file line text))))))

(let* ((gate (pop command-line-args-left))
       (files (mapcar #'expand-file-name command-line-args-left)))
  (setq command-line-args-left nil)
  (funcall (intern (concat "lint-" gate)) files)
  (message "lint: %s: %d files" gate (length files))
  (kill-emacs (if (zerop lint-problems) 0 1)))

;;; lint.el ends here
