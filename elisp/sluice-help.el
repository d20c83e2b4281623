;;; sluice-help.el --- The commands of Sluice on one page -*- lexical-binding: t; -*-

;; Copyright (C) 2026 The Sluice authors

;; Author: The Sluice authors <https://github.com/sluice-llm/sluice>
;; URL: https://github.com/sluice-llm/sluice
;; Keywords: comm
;; SPDX-License-Identifier: GPL-3.0-or-later

;; This file is not part of GNU Emacs.

;; This program is free software; you can redistribute it and/or modify
;; it under the terms of the GNU General Public License as published by
;; the Free Software Foundation, either version 3 of the License, or
;; (at your option) any later version.

;; This program is distributed in the hope that it will be useful,
;; but WITHOUT ANY WARRANTY; without even the implied warranty of
;; MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
;; GNU General Public License for more details.

;; You should have received a copy of the GNU General Public License
;; along with this program.  If not, see <https://www.gnu.org/licenses/>.


;;; Commentary:

;; `sluice-help' lists the commands under the prefix key, each with its key and what it
;; does.

;;; Code:

(require 'cl-lib)
(require 'sluice)
(require 'sluice-words)

(defun sluice-help--sentence (command)
  "Return in a sentence what COMMAND does.
For one that is not ours it is the first line of its documentation."
  (pcase command
    ('sluice-menu (sluice-gettext "Say what would go where, change that, and send"))
    ('sluice-send (sluice-gettext "Send the region or paragraph; in a chat all turns up to point"))
    ('sluice-prompt (sluice-gettext "Ask in the minibuffer"))
    ('sluice-chat (sluice-gettext "Go to the buffer in which you talk with a model"))
    ('sluice-rewrite (sluice-gettext "Have the region rewritten, and look before it is replaced"))
    ('sluice-abort (sluice-gettext "Stop the answer at point, else the newest one of this buffer"))
    ('sluice-undo-answer (sluice-gettext "Remove the answer at point"))
    ('sluice-explain-last (sluice-gettext "Explain why the last call failed"))
    ('sluice-explain-region (sluice-gettext "Explain the error text in the region"))
    ('sluice-copy-curl (sluice-gettext "Copy the newest call as a curl command, without the key"))
    ('sluice-queue (sluice-gettext "Show what waits: for what, and until when"))
    ('sluice-log (sluice-gettext "Show what was sent last, and how it went"))
    ('sluice-limits (sluice-gettext "Show the limits, and what is used of them"))
    ('sluice-usage (sluice-gettext "Show what was used, and what is left of your budgets"))
    ('sluice-mode-line-mode (sluice-gettext "Show in the mode line what waits"))
    ('sluice-doctor (sluice-gettext "Look what is wrong with this set-up, and say how to mend it"))
    ('sluice-status (sluice-gettext "Say whether the daemon is there, and what waits"))
    ('sluice-start (sluice-gettext "Start the daemon unless it is there"))
    ('sluice-disconnect (sluice-gettext "Close the connection to the daemon; the daemon lives on"))
    ('sluice-help (sluice-gettext "List the commands of Sluice and their keys"))
    (_ (car (split-string (or (documentation command) "") "\n")))))

(defun sluice-help--rows ()
  "Return (KEY COMMAND SENTENCE) for each command of `sluice-command-map', by key."
  (let ((rows nil))
    (map-keymap (lambda (event command)
                  (push (list (key-description (vector event)) command
                              (sluice-help--sentence command))
                        rows))
                sluice-command-map)
    (sort rows (lambda (a b) (string-collate-lessp (car a) (car b) nil t)))))

(defun sluice-help--prefix ()
  "Return the key of `sluice-command-map' as text, or nil if it has none."
  (let ((key (where-is-internal sluice-command-map nil t)))
    (and key (key-description key))))

;;;###autoload
(defun sluice-help ()
  "List the commands of Sluice and their keys."
  (interactive)
  (let ((prefix (sluice-help--prefix)))
    (with-help-window "*Sluice help*"
      (with-current-buffer standard-output
        (insert (if prefix (sluice-gettext "Keys of Sluice, after %s" prefix)
                  (sluice-gettext "Keys of Sluice.  Give them a prefix:  %s"
                                  "(global-set-key (kbd \"C-c g\") sluice-command-map)"))
                "\n\n")
        (pcase-dolist (`(,key ,command ,sentence) (sluice-help--rows))
          (insert (propertize key 'face 'bold) "  ")
          (insert-text-button (symbol-name command) 'type 'help-function
                              'help-args (list command))
          (insert (make-string (max 1 (- 24 (length (symbol-name command)))) ?\s)
                  sentence "\n"))))))

(provide 'sluice-help)
;;; sluice-help.el ends here
