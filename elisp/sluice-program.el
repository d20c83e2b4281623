;;; sluice-program.el --- Ask the daemon's program without a daemon -*- lexical-binding: t; -*-

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

;; What failed can also be explained when no daemon runs: its program is run once, with
;; the text on its standard input.  No shell is used, nothing blocks, and no daemon is
;; started.

;;; Code:

(require 'cl-lib)
(require 'seq)
(require 'subr-x)
(require 'sluice-settings)
(require 'sluice-words)

(defvar sluice-language)

(defconst sluice-program--limit 30
  "Seconds that the program has.
It needs one; a busy machine was seen to take five.")

(defun sluice-program-of-daemon ()
  "Return the program of the daemon, and its first arguments.
Of what stands behind `serve' it is only what tells which daemon is meant.
Return nil if the program is not found."
  (let ((command (sluice-settings-program)))
    (and command (executable-find (car command)) command)))

(defun sluice-program-command ()
  "Return the program and its first arguments, or nil if there is none.
It is the one that starts the daemon, else one that is found under its own name."
  (or (sluice-program-of-daemon)
      (seq-find (lambda (command) (executable-find (car command)))
                '(("sluice") ("python3" "-m" "daemon") ("python" "-m" "daemon")))))

(defun sluice-program-explain (question done failed)
  "Have the program answer QUESTION, and call DONE with its answer, a plist.
QUESTION has :text and perhaps :status and :provider, or :call, which is
looked up in the journal.  FAILED is called with a sentence when there is no
answer."
  (let ((command (sluice-program-command)))
    (if command
        (sluice-program--run (append command (sluice-program--arguments question))
                             (or (plist-get question :text) "")
                             done failed)
      (funcall failed (sluice-program--missing)))))

(defun sluice-program--missing ()
  "Return what is said when there is no program."
  (sluice-gettext "Sluice is not running, and its program `%s' is not in `exec-path'.  \
Install it in Sluice's folder: pipx install ." (or (car (sluice-settings-command)) "sluice")))

(defun sluice-program--arguments (question)
  "Return the arguments of the program for QUESTION."
  (append '("explain" "--json")
          (when-let* ((language (bound-and-true-p sluice-language)))
            (list "--language" (format "%s" language)))
          (when-let* ((status (plist-get question :status)))
            (list "--status" (format "%s" status)))
          (when-let* ((provider (plist-get question :provider)))
            (list "--provider" provider))
          (list (or (plist-get question :call) "-"))))

(defun sluice-program--run (command input done failed)
  "Run COMMAND with INPUT; call DONE with its answer or FAILED with its complaint.
Return the process."
  (let* ((default-directory (expand-file-name "~/"))
         ;; Python would else write what the locale can hold.
         (process-environment (cons "PYTHONUTF8=1" process-environment))
         (output (generate-new-buffer " *sluice-program*"))
         (complaints (generate-new-buffer " *sluice-program-stderr*"))
         (errors (make-pipe-process :name "sluice-program-stderr" :buffer complaints :noquery t
                                    :coding 'utf-8-unix :sentinel #'ignore))
         (process (make-process
                   :name "sluice-program" :command command :buffer output :noquery t
                   :connection-type 'pipe :coding 'utf-8-unix :stderr errors
                   :sentinel #'ignore))
         (timer (run-at-time sluice-program--limit nil #'delete-process process)))
    (set-process-sentinel
     process
     (lambda (process _event)
       (unless (process-live-p process)
         (cancel-timer timer)
         ;; Its last words may still be in the pipe.
         (while (accept-process-output errors 0.05))
         (unwind-protect
             (sluice-program--ended process output complaints done failed)
           (delete-process errors)
           (mapc #'kill-buffer (list output complaints))))))
    ;; A program that ends at once does not read; what it says is shown then.
    (ignore-errors
      (process-send-string process input)
      (process-send-eof process))
    process))

(defun sluice-program--ended (process output complaints done failed)
  "Read what PROCESS wrote in OUTPUT and COMPLAINTS, and call DONE or FAILED."
  (let ((answer (and (eql 0 (process-exit-status process))
                     (sluice-program--read output))))
    (if answer
        (funcall done answer)
      (let ((said (with-current-buffer complaints (string-trim (buffer-string)))))
        (funcall failed
                 (cond ((eq 'signal (process-status process))
                        (sluice-gettext "`%s' gave no answer in %d seconds"
                                        (car (process-command process)) sluice-program--limit))
                       ((string-match-p "No module named daemon" said) (sluice-program--missing))
                       ((string-empty-p said)
                        (sluice-gettext "`%s' printed nothing that could be read"
                                        (car (process-command process))))
                       (t said)))))))

(defun sluice-program--read (buffer)
  "Return the answer in BUFFER, or nil.  For a text it is the explanation alone."
  (with-current-buffer buffer
    (goto-char (point-min))
    (when-let* ((answer (ignore-errors
                          (json-parse-buffer :object-type 'plist :array-type 'list
                                             :null-object nil :false-object nil))))
      (if (or (plist-get answer :explanation) (plist-get answer :text))
          answer
        (list :explanation answer)))))

(provide 'sluice-program)
;;; sluice-program.el ends here
