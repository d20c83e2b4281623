;;; sluice-doctor.el --- What is wrong with this set-up, and how to mend it -*- lexical-binding: t; -*-

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

;; `sluice-doctor' looks at all that has to be right: the daemon and its version, the
;; socket, keys, curl, gptel, and what the daemon's own `check' finds.  Each finding says
;; how to mend it; where Emacs can do that, there is a button with a key.  Of keys only
;; the names are shown.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'auth-source)
(require 'sluice)
(require 'sluice-keys)
(require 'sluice-program)
(require 'sluice-words)

(defvar sluice-host)
(defvar sluice-gptel-mode)
(declare-function sluice-gptel-mode "sluice-gptel")

(cl-defstruct (sluice-finding (:constructor sluice-finding (state what &optional mend label action))
                              (:copier nil))
  "One thing that was looked at."
  state                                 ; `ok', `note' or `bad'
  what                                  ; a sentence
  mend                                  ; what to do, or nil
  label action)                         ; a button that does it, or nil

(defvar-local sluice-doctor--findings nil
  "What was found, in order.")

(defvar-local sluice-doctor--width nil
  "The width of the window when the page was drawn.")

(defvar-local sluice-doctor--check nil
  "What the daemon's own check said: `running', or (STATUS . TEXT).")

;;;; The daemon

(defun sluice-doctor--status ()
  "Ask the daemon, if it is there, how it is, and return that, a plist.
Return the symbol `silent' when it does not answer."
  (when (sluice-connection)
    (condition-case nil
        (sluice-rpc-call sluice--connection "status" nil sluice-timeout)
      (sluice-rpc-timeout 'silent)
      (sluice-rpc-error nil))))

(defun sluice-doctor--daemon (status)
  "Look whether the daemon is there, of which version, and whether it is real.
STATUS is what it has said, see `sluice-doctor--status'."
  (cond
   ((sluice-rpc-live-p sluice--connection)
    (let* ((hello (sluice-rpc-hello sluice--connection))
           (version (plist-get hello :version))
           (pid (plist-get hello :pid)))
      (append (list (if (eq status 'silent)
                        (sluice-doctor--hangs pid)
                      (sluice-finding 'ok (sluice-gettext "The daemon runs: version %s, process %s"
                                                          version pid))))
              (sluice-doctor--sandbox status)
              (list (sluice-doctor--versions version (plist-get hello :protocol))))))
   ((sluice-rpc-live-p sluice--greeting)
    (list (sluice-doctor--hangs (or (sluice-silent-pid) "PID"))))
   (t (list (sluice-finding 'bad (sluice-gettext "The daemon does not answer")
                            (sluice-start-hint) (sluice-gettext "Start it") #'sluice-start)))))

(defun sluice-doctor--hangs (pid)
  "Say what to do with the daemon of the process PID, which does not answer."
  (sluice-finding 'bad (sluice-gettext "The daemon is there, but does not answer")
                  (sluice-gettext "Its process hangs.  End it in a terminal: %s; \
then start it anew with M-x sluice-start" (format "kill -9 %s" pid))))

(defun sluice-doctor--sandbox (status)
  "Say so if the daemon, which has said STATUS, is the sandbox."
  (when (and (consp status) (sluice-sandbox-p status))
    (list (sluice-finding 'note (sluice-gettext "What answers is the sandbox: it simulates \
providers, and nothing goes to a real one")
                          (sluice-gettext "To reach a provider, end it in a terminal: %s; then \
start it without --sandbox" (sluice-doctor--stop-command))))))

(defun sluice-doctor--stop-command ()
  "Return the shell command that ends the daemon we are connected to."
  (mapconcat #'shell-quote-argument
             (append (or (sluice-program-of-daemon) '("sluice"))
                     (list "stop" "--socket"
                           (expand-file-name (sluice-rpc-address sluice--connection))))
             " "))

(defun sluice-doctor--versions (version protocol)
  "Compare the daemon's VERSION and PROTOCOL with ours."
  (cond ((not (eql protocol sluice-protocol))
         (sluice-finding 'bad (sluice-gettext "The daemon speaks protocol %s, this package %s"
                                              protocol sluice-protocol)
                         (sluice-gettext "Update both in Sluice's folder: %s; then start the \
daemon and Emacs anew" sluice-upgrade-command)))
        ((not (equal version sluice-version))
         (sluice-finding 'note (sluice-gettext "The daemon is version %s, this package %s"
                                               version sluice-version)
                         (sluice-gettext "They understand each other; update the older one \
when it suits you")))
        (t (sluice-finding 'ok (sluice-gettext "This package is version %s, too"
                                               sluice-version)))))

(defun sluice-doctor--program ()
  "Look whether the daemon's program can be started from here."
  ;; What is no command is among the settings.
  (when-let* ((program (car (sluice-settings-command))))
    (list (if (executable-find program)
              (sluice-finding 'ok (sluice-gettext "The program `%s' is in `exec-path'" program))
            (sluice-finding 'note (sluice-gettext "The program `%s' is not in `exec-path'" program)
                            (sluice-gettext "Emacs cannot start the daemon.  Install it in Sluice's \
folder: %s; or say where it is" sluice-install-command)
                            (sluice-gettext "Say where it is")
                            (lambda () (customize-option 'sluice-daemon-command)))))))

;;;; The socket

(defun sluice-doctor--socket ()
  "Look at the socket: where it is, and who may use it."
  (let ((address (sluice-address)))
    (if (not address)
        (list (sluice-finding 'note (sluice-gettext "No daemon has written down its socket yet")
                              (sluice-gettext "It does so when it starts")))
      (list (sluice-doctor--socket-at (expand-file-name address))))))

(defun sluice-doctor--socket-at (file)
  "Look at the socket FILE."
  (let ((mode (file-modes file)) (name (abbreviate-file-name file)))
    (cond ((not mode)
           (sluice-finding 'bad (sluice-gettext "There is no socket %s" name)
                           (sluice-gettext "It comes when the daemon starts.  If it runs \
elsewhere, set `sluice-socket'")))
          ((not (zerop (logand mode #o077)))
           (sluice-finding 'bad (sluice-gettext "Others may use the socket %s (mode %o)" name mode)
                           (sluice-gettext "Run in a terminal: %s"
                                           (concat "chmod 600 " (shell-quote-argument file)))
                           (sluice-gettext "Do that now")
                           (lambda () (set-file-modes file #o600))))
          (t (sluice-finding 'ok (sluice-gettext "The socket %s is yours alone (mode %o)"
                                                 name mode))))))

;;;; Keys and programs

(defconst sluice-doctor--here
  (rx bos (or "localhost" (seq (* nonl) ".localhost") (seq "127." (+ (any digit "."))) "0.0.0.0"
              (seq (? "[") "::1" (? "]")))
      (? ":" (+ digit)) eos)
  "Hosts that are this machine.")

(defun sluice-doctor--hosts (pools)
  "Return the hosts for which a key may be wanted, those of POOLS among them.
Servers on this machine want none."
  (seq-remove
   (lambda (host) (string-match-p sluice-doctor--here host))
   (delete-dups
    (cons (if (boundp 'sluice-host) (sluice-settings-host sluice-host) "api.openai.com")
          (mapcar (lambda (pool) (plist-get pool :host)) pools)))))

(defun sluice-doctor--key-p (host)
  "Return non-nil if auth-source has a key for HOST.  The key itself is not read."
  (ignore-errors
    (auth-source-search :host host :user "apikey" :max 1)))

(defun sluice-doctor--keys (status)
  "Look for keys, unless the daemon, which has said STATUS, needs none."
  (unless (and (consp status) (sluice-sandbox-p status))
    (sluice-doctor--keys-for (and (consp status) (plist-get status :pools)))))

(defun sluice-doctor--keys-for (pools)
  "Look for which hosts there is a key; POOLS are the daemon's."
  (mapcar (lambda (host)
            (if (sluice-doctor--key-p host)
                (sluice-finding 'ok (sluice-gettext "auth-source has a key: machine %s login apikey"
                                                    host))
              (sluice-finding 'note (sluice-gettext "auth-source has no key for %s" host)
                              (sluice-gettext "Add a line to %s: %s.  It is not needed \
if the daemon has the key in its environment"
                                              (sluice-keys-place)
                                              (format "machine %s login apikey password YOUR-KEY"
                                                      host)))))
          (sluice-doctor--hosts pools)))

(defun sluice-doctor--curl ()
  "Look for the program curl."
  (list (if (executable-find "curl")
            (sluice-finding 'ok (sluice-gettext "curl is there"))
          (sluice-finding 'note (sluice-gettext "curl is missing")
                          (sluice-gettext "gptel goes through Sluice only with curl, and copied \
commands need it: install it")))))

(defun sluice-doctor--gptel ()
  "Look at gptel: is it there, and on its way through Sluice?"
  (list (cond ((bound-and-true-p sluice-gptel-mode)
               (sluice-finding 'ok (sluice-gettext "gptel goes through Sluice: \
`sluice-gptel-mode' is on")))
              ((not (or (featurep 'gptel) (locate-library "gptel")))
               (sluice-finding 'ok (sluice-gettext "gptel is not installed, and not needed")))
              (t (sluice-finding 'note (sluice-gettext "gptel is installed, but does not go \
through Sluice")
                                 (sluice-gettext "Put this into your init file: %s"
                                                 "(sluice-gptel-mode 1)")
                                 (sluice-gettext "Turn it on now")
                                 (lambda () (sluice-gptel-mode 1)))))))

;;;; The daemon's own check

(defun sluice-doctor--check-command ()
  "Return program and arguments of the daemon's own check, or nil if it is missing."
  (when-let* ((program (sluice-program-of-daemon)))
    (let ((language (or sluice-language sluice-words-heard)))
      (append program '("check")
              (and language (list "--language" (sluice-settings-text language)))))))

(defun sluice-doctor--start-check ()
  "Have the daemon's program look for itself.
The page shows what it says when it is done; until then nothing is found."
  (when-let* ((command (sluice-doctor--check-command)))
    (let* ((page (current-buffer))
           (output (generate-new-buffer " *sluice check*"))
           (address (sluice-address))
           (process-environment
            (if address (cons (concat "SLUICE_SOCKET=" (expand-file-name address))
                              process-environment)
              process-environment))
           (default-directory (expand-file-name "~/")))
      (make-process :name "sluice-check" :buffer output :command command :noquery t
                    :connection-type 'pipe :coding 'utf-8
                    :sentinel (lambda (process _event)
                                (sluice-doctor--checked process page)))
      (setq sluice-doctor--check 'running)
      nil)))

(defun sluice-doctor--checked (process page)
  "Show in the buffer PAGE what PROCESS, which has ended, has printed."
  (unless (process-live-p process)
    (let ((text (with-current-buffer (process-buffer process) (string-trim (buffer-string)))))
      (kill-buffer (process-buffer process))
      (when (buffer-live-p page)
        (with-current-buffer page
          (setq sluice-doctor--check (cons (process-exit-status process) text))
          (sluice-doctor--draw)
          (dolist (window (get-buffer-window-list nil nil t))
            (when (window-combined-p window)
              (fit-window-to-buffer window))))))))

;;;; The page

(defvar sluice-doctor-mode-map
  (let ((map (make-sparse-keymap)))
    (set-keymap-parent map (make-composed-keymap button-buffer-map special-mode-map))
    (dotimes (n 9)
      (define-key map (number-to-string (1+ n)) #'sluice-doctor-mend))
    map)
  "Keys on the page of `sluice-doctor'.")

(define-derived-mode sluice-doctor-mode special-mode "Sluice doctor"
  "What is wrong with this set-up, and how to mend it."
  (setq-local revert-buffer-function #'sluice-doctor--look)
  (setq-local word-wrap t)
  (add-hook 'window-size-change-functions #'sluice-doctor--resized nil t))

;;;###autoload
(defun sluice-doctor ()
  "Look what is wrong with this set-up, and say how to mend it."
  (interactive)
  (let ((buffer (get-buffer-create "*Sluice doctor*")))
    (with-current-buffer buffer
      (unless (derived-mode-p 'sluice-doctor-mode) (sluice-doctor-mode))
      (sluice-doctor--look))
    (pop-to-buffer buffer '(nil (window-height . fit-window-to-buffer)))))

(defun sluice-doctor--try (function &rest arguments)
  "Call FUNCTION with ARGUMENTS; return its findings, or that it has failed."
  (condition-case err
      (apply function arguments)
    (error (list (sluice-finding 'bad (sluice-gettext "This could not be looked at: %s"
                                                      (error-message-string err)))))))

(defun sluice-doctor--settings ()
  "Look for settings that have no meaning."
  (mapcar (pcase-lambda (`(,option . ,problem))
            (sluice-finding 'bad problem nil (sluice-gettext "Change it")
                            (lambda () (customize-option option))))
          (sluice-settings-all-problems)))

(defun sluice-doctor--look (&rest _)
  "Look at everything anew and draw the page."
  (let ((status (ignore-errors (sluice-doctor--status))))
    (setq sluice-doctor--check nil)
    (setq sluice-doctor--findings
          (append (list (sluice-finding 'ok (format "Emacs %s, %s" emacs-version system-type)))
                  (sluice-doctor--try #'sluice-doctor--settings)
                  (sluice-doctor--try #'sluice-doctor--daemon status)
                  (sluice-doctor--try #'sluice-doctor--socket)
                  (sluice-doctor--try #'sluice-doctor--program)
                  (sluice-doctor--try #'sluice-doctor--keys status)
                  (sluice-doctor--try #'sluice-doctor--curl)
                  (sluice-doctor--try #'sluice-doctor--gptel)
                  (sluice-doctor--try #'sluice-doctor--start-check))))
  (sluice-doctor--draw))

(defun sluice-doctor--resized (window)
  "Fill the page in WINDOW to its width, if that is another one than before."
  (with-current-buffer (window-buffer window)
    (unless (eql sluice-doctor--width (sluice-page-width))
      (sluice-doctor--draw))))

(defun sluice-doctor--draw ()
  "Draw the page from what was found."
  (let ((inhibit-read-only t) (place (point)) (number 0))
    (erase-buffer)
    (setq sluice-doctor--width (sluice-page-width))
    (insert (propertize (sluice-doctor--summary) 'face 'bold) "    "
            (propertize (sluice-gettext "g looks again, q closes this page") 'face 'shadow)
            "\n\n")
    (dolist (finding sluice-doctor--findings)
      (setq number (sluice-doctor--insert finding number)))
    (sluice-doctor--insert-check)
    (set-buffer-modified-p nil)
    (goto-char (min place (point-max)))))

(defun sluice-doctor--summary ()
  "Return the first line: how many things are wrong."
  (let ((bad (cl-count 'bad sluice-doctor--findings :key #'sluice-finding-state)))
    (when (and (consp sluice-doctor--check) (not (eql 0 (car sluice-doctor--check))))
      (cl-incf bad))
    (pcase bad
      (0 (sluice-gettext "All is well"))
      (1 (sluice-gettext "One thing is to be mended"))
      (n (sluice-gettext "%d things are to be mended" n)))))

(defun sluice-doctor--insert (finding number)
  "Insert FINDING; NUMBER is that of the last button.  Return that of the newest."
  (pcase-let ((`(,mark . ,face) (pcase (sluice-finding-state finding)
                                  ('ok (cons (sluice-gettext "ok") 'success))
                                  ('note (cons (sluice-gettext "note") 'warning))
                                  (_ (cons (sluice-gettext "BAD") 'error)))))
    (insert (propertize (truncate-string-to-width mark 5 nil ?\s) 'face face) " ")
    (sluice-doctor--fill (sluice-finding-what finding) "")
    (when (sluice-finding-mend finding)
      (sluice-doctor--fill (sluice-finding-mend finding) "      → "))
    (when (sluice-finding-action finding)
      (setq number (1+ number))
      (insert "      ")
      (insert-text-button (format "[%d] %s" number (sluice-finding-label finding))
                          'action (lambda (_) (sluice-doctor--mend finding))
                          'sluice-number number 'follow-link t)
      (insert "\n"))
    number))

(defun sluice-doctor--fill (text first)
  "Insert TEXT filled, with FIRST before it, and a newline."
  (let ((fill-column (min 78 (sluice-page-width)))
        (fill-prefix (if (string-empty-p first) "      " "        "))
        (begin (line-beginning-position)))
    (insert first text "\n")
    (fill-region begin (point) nil t)))

(defun sluice-doctor--insert-check ()
  "Insert what the daemon's own check has found."
  (pcase sluice-doctor--check
    ('nil nil)
    ('running (insert "\n" (sluice-gettext "The daemon's own check is running…") "\n"))
    (`(0 . ,_) (sluice-doctor--insert
                (sluice-finding 'ok (sluice-gettext "The daemon's own check finds nothing to mend"))
                0))
    (`(,_ . ,text)
     (insert "\n" (propertize (sluice-gettext "What the daemon's own check finds") 'face 'bold)
             "\n" text "\n"))))

(defun sluice-doctor--mend (finding)
  "Do what mends FINDING, then look again."
  (funcall (sluice-finding-action finding))
  (when (derived-mode-p 'sluice-doctor-mode)
    (sluice-doctor--look)))

(defun sluice-doctor-mend ()
  "Press the button whose number is the key that was typed."
  (interactive)
  (let* ((number (- last-command-event ?0))
         (place (save-excursion
                  (goto-char (point-min))
                  (cl-loop while (ignore-errors (forward-button 1))
                           when (eql number (get-text-property (point) 'sluice-number))
                           return (point)))))
    (unless place
      (user-error "%s" (sluice-gettext "There is no button %d" number)))
    (push-button place)))

(provide 'sluice-doctor)
;;; sluice-doctor.el ends here
